"""LiteRT and its predecessor tflite-runtime: the same interpreter under two import names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle.graphs import GraphSpec
from edge_runtime.engines.base import Engine, missing_tensor
from edge_runtime.errors import ArtifactError

__all__ = ["LiteRtEngine", "TfliteEngine", "TfliteRuntimeEngine"]

_CONVERTER_PREFIX = "serving_default_"


class TfliteEngine(Engine):
    """A graph in a TFLite interpreter, with XNNPACK kernels where the package has them.

    Raises:
        ImportError: The interpreter's package cannot be imported.
        ArtifactError: The interpreter cannot load the graph, or it lacks a promised tensor.
    """

    graph_format = "tflite"
    _module: str
    _distribution: str

    def __init__(self, name: str, graph: GraphSpec, model: bytes, threads: int) -> None:
        interpreter_class = import_module(f"{self._module}.interpreter").Interpreter
        self.name = name
        self.version = _version(self._module, self._distribution)
        self.graph = graph
        try:
            self._interpreter: Any = interpreter_class(model_content=model, num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ArtifactError(
                f"{self._distribution} {self.version} cannot load the graph {graph.name!r} "
                f"({' '.join(str(error).split())[:200]}); update it, or export again."
            ) from error
        inputs = _indices(self._interpreter.get_input_details())
        outputs = _indices(self._interpreter.get_output_details())
        self._inputs = {spec.name: _required(inputs, spec.name, graph) for spec in graph.inputs}
        self._results = {spec.name: _required(outputs, spec.name, graph) for spec in graph.outputs}
        self._takes_class = graph.saliency != "none"

    def input_view(self) -> NDArray[np.uint8]:
        """Return the interpreter's own memory; it does not run while this is held."""
        view: NDArray[np.uint8] = self._interpreter.tensor(self._inputs["image"])()
        return view

    def _outputs(self, class_index: int) -> dict[str, NDArray[np.float32]]:
        interpreter = self._interpreter
        if self._takes_class:
            interpreter.set_tensor(
                self._inputs["class_index"], np.array([class_index], dtype=np.int32)
            )
        interpreter.invoke()
        return {name: interpreter.get_tensor(index) for name, index in self._results.items()}

    def close(self) -> None:
        """Free the interpreter."""
        self._interpreter = None


class LiteRtEngine(TfliteEngine):
    """The interpreter of the package ``ai-edge-litert``."""

    _module = "ai_edge_litert"
    _distribution = "ai-edge-litert"


class TfliteRuntimeEngine(TfliteEngine):
    """The interpreter of the package ``tflite-runtime`` (Python 3.11 at most, numpy below 2)."""

    _module = "tflite_runtime"
    _distribution = "tflite-runtime"


def _indices(details: list[dict[str, Any]]) -> dict[str, int]:
    """Map interface names to tensor indices; converters wrap names as serving_default_NAME:0."""
    return {
        str(detail["name"]).removeprefix(_CONVERTER_PREFIX).partition(":")[0]: detail["index"]
        for detail in details
    }


def _required(indices: dict[str, int], name: str, graph: GraphSpec) -> int:
    if name not in indices:
        raise missing_tensor(graph, name)
    return indices[name]


def _version(module: str, distribution: str) -> str:
    """Return what the package says of itself; its metadata, which takes far longer, if nothing."""
    said = getattr(import_module(module), "__version__", None)
    if isinstance(said, str):
        return said
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:  # packages of a Linux distribution may lack the metadata
        return "unknown"
