"""The contract of an inference engine."""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle.graphs import GraphSpec
from edge_runtime.closing import Closing
from edge_runtime.errors import ArtifactError
from edge_runtime.quick_dataclass import dataclass

__all__ = ["Engine", "Inference", "default_threads", "missing_tensor"]

_MAX_DEFAULT_THREADS = 4


@dataclass(frozen=True)
class Inference:
    """What a graph gave for one image.

    Attributes:
        logits: float32 ``[C]``.
        features: float32 ``[F]``, pooled features in front of the classifier.
        saliency: float32 ``[h, w]``, unsmoothed and unnormalised; None for a plain graph.
        class_index_used: The class that ``saliency`` is for; the top class for a plain graph.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    saliency: NDArray[np.float32] | None
    class_index_used: int


class Engine(Closing):
    """One loaded graph. Not for use from two threads at once.

    Attributes:
        graph_format: Format of the graphs that the class loads, ``onnx`` or ``tflite``.
        name: Name by which the engine is chosen, e.g. ``onnx``.
        version: Version of the engine's package.
        graph: What the loaded graph takes and gives.
    """

    graph_format: ClassVar[str]
    name: str
    version: str
    graph: GraphSpec

    @abstractmethod
    def input_view(self) -> NDArray[np.uint8]:
        """Return the memory that the graph reads its image from, uint8 ``[1, H, W, 3]``, RGB.

        Write into it and let it go before :meth:`run_in_place`: an interpreter may not run while
        somebody holds its memory.
        """

    @abstractmethod
    def _outputs(self, class_index: int) -> dict[str, NDArray[np.float32]]:
        """Run the graph on what is in :meth:`input_view`.

        Args:
            class_index: Class to explain, -1 for the top class; ignored by a plain graph.

        Returns:
            Every output of the graph by its interface name; the arrays belong to the caller.
        """

    def run(self, image: NDArray[np.uint8], class_index: int = -1) -> Inference:
        """Classify one image.

        Args:
            image: uint8 ``[1, H, W, 3]``, RGB: the bytes that ``Preprocessing.apply`` gives.
            class_index: Class to explain, -1 for the top class. Only a saliency graph uses it.

        Raises:
            ValueError: The image has another shape or dtype, or there is no such class.
        """
        expected = self.graph.input("image").shape
        if image.shape != expected or image.dtype != np.uint8:
            raise ValueError(f"expected a uint8 image {expected}, got {image.dtype} {image.shape}")
        self.input_view()[...] = image
        return self.run_in_place(class_index)

    def run_in_place(self, class_index: int = -1) -> Inference:
        """Classify what was written into :meth:`input_view`.

        Args:
            class_index: As for :meth:`run`.

        Raises:
            ValueError: There is no such class.
        """
        if class_index != -1:
            self._check_class(class_index)
        outputs = self._outputs(class_index)
        logits = outputs["logits"][0]
        has_map = self.graph.saliency != "none"
        return Inference(
            logits=logits,
            features=outputs["features"][0],
            saliency=outputs["saliency"][0] if has_map else None,
            class_index_used=int(outputs["class_index_used"][0] if has_map else np.argmax(logits)),
        )

    def _check_class(self, class_index: int) -> None:
        classes = self.graph.output("logits").shape[1]
        if not 0 <= class_index < classes:
            raise ValueError(f"expected a class index from -1 to {classes - 1}, got {class_index}")

    @abstractmethod
    def close(self) -> None:
        """Give the graph's memory back; the engine cannot run afterwards."""


def missing_tensor(graph: GraphSpec, name: str) -> ArtifactError:
    """Return the error of a graph whose file lacks what its bundle says of it."""
    return ArtifactError(
        f"The graph {graph.name!r} lacks the tensor {name!r} that its bundle promises; "
        "export again."
    )


def default_threads() -> int:
    """Return the processors this process may use, four at most (the boards' cores)."""
    return min(_MAX_DEFAULT_THREADS, len(os.sched_getaffinity(0)))
