"""What can be evaluated, behind one interface: the network of a run, or a bundle in an engine."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle import OperatingPoint
from edge_runtime.bundle.graphs import SaliencyMode
from edge_runtime.bundle.reader import Bundle, open_bundle
from edge_runtime.engines import default_engine, graph_format, open_engine
from edge_runtime.errors import ArtifactError, UsageError
from edge_runtime.files import sha256_file
from edge_runtime.map_grid import MapGrid
from edge_runtime.preprocessing import Preprocessing
from edge_runtime.smooth_grad import COPIES, mean_map
from train.attribution import SMOOTHED, occlusion_map, places_of
from train.prediction import predict_logits, predict_saliency
from train.quantization import QuantizedNetwork, load_network
from train.run.directory import RunDirectory

__all__ = ["BundleTarget", "RunTarget", "Target", "open_target", "weights_of"]

_BATCH_SIZE = 32
Advance = Callable[[int], None]


class Target(ABC):
    """A classifier that can be measured.

    Attributes:
        kind: ``run`` or ``bundle``.
        path: where it is.
        description: for the head of the report.
        classes: class names by index.
        preprocessing: from a frame to its network bytes.
        provenance: what it says of its training.
        temperature: what its logits are divided by, in front of the softmax.
        operating_points: from which probability on a class is called.
    """

    kind: str
    path: Path
    description: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    provenance: dict[str, Any]
    temperature: float
    operating_points: tuple[OperatingPoint, ...]

    @abstractmethod
    def logits(self, images: NDArray[np.uint8], advance: Advance) -> NDArray[np.float32]:
        """Logits float32 ``[N, C]`` of network bytes uint8 ``[N, H, W, 3]``."""

    @abstractmethod
    def saliency(
        self,
        images: NDArray[np.uint8],
        class_index: NDArray[np.int64],
        method: str,
        advance: Advance,
    ) -> NDArray[np.float32]:
        """Maps float32 ``[N, h, w]`` over the field of the network's input, raw.

        Args:
            images: uint8 ``[N, H, W, 3]``, network bytes.
            class_index: int64 ``[N]``, the class that is explained in each.
            method: see ``train.attribution.method_named``.
            advance: called with the number of maps done.

        Raises:
            UsageError: the target cannot give such maps.
            ArtifactError: this network or bundle cannot.
        """

    @abstractmethod
    def map_grid(self, method: str) -> MapGrid | None:
        """Where the cells of a method's maps lie; None if they are pixels or it is not known.

        Raises:
            ArtifactError: this network cannot give such maps.
        """


class RunTarget(Target):
    """The network of a run in torch, as it was trained or with its fake quantisation off."""

    kind = "run"

    def __init__(self, path: Path, *, in_float: bool = False, checkpoint: str = "best") -> None:
        run = RunDirectory(path)
        file = run.float_checkpoint if checkpoint == "float" else run.best_checkpoint
        if path.is_dir() and not file.is_file():
            raise ArtifactError(
                f"{path} has no {file.name} yet; finish it with: {run.resume_command}"
            )
        network, metadata = load_network(file)
        self.path, self.checkpoint = path, file
        if in_float:
            network.quantize = False
        self._take(network)
        self.classes = tuple(metadata["classes"])
        self.preprocessing = Preprocessing.from_json(metadata["preprocessing"])
        self.provenance = metadata["provenance"]
        self.temperature = float(metadata.get("temperature", 1.0))
        self.operating_points = tuple(
            OperatingPoint.from_json(point) for point in metadata.get("operating_points", ())
        )

    def with_network(self, network: QuantizedNetwork) -> RunTarget:
        """This run with other weights or another precision."""
        other = copy.copy(self)
        other._take(network)
        return other

    def in_float(self) -> RunTarget:
        """This run with its fake quantisation off."""
        return self.with_network(self.network.requantized(self.network.config))

    def _take(self, network: QuantizedNetwork) -> None:
        self.network = network
        precision = "fake-quantised" if network.quantize else "float"
        self.description = f"{self.checkpoint.name}, {precision}, torch"

    def logits(self, images: NDArray[np.uint8], advance: Advance) -> NDArray[np.float32]:
        """See :class:`Target`."""
        return _in_batches(
            len(images),
            lambda part: predict_logits(self.network, images[part], _BATCH_SIZE),
            advance,
        )

    def saliency(
        self,
        images: NDArray[np.uint8],
        class_index: NDArray[np.int64],
        method: str,
        advance: Advance,
    ) -> NDArray[np.float32]:
        """See :class:`Target`."""
        return _in_batches(
            len(images),
            lambda part: predict_saliency(
                self.network, images[part], class_index[part], _BATCH_SIZE, method
            ),
            advance,
        )

    def map_grid(self, method: str) -> MapGrid | None:
        """See :class:`Target`."""
        places = places_of(self.network, method)
        return None if places is None else places.grid


class BundleTarget(Target):
    """A bundle, its INT8 graphs run by an engine one image at a time, as on a device."""

    kind = "bundle"

    def __init__(self, path: Path, *, engine: str | None = None) -> None:
        self.bundle: Bundle = open_bundle(path)
        self.engine_name = engine or default_engine(self.bundle)
        self._plain = open_engine(self.engine_name, self.bundle, saliency="none")
        spec = self.bundle.spec
        self.path = path
        self.description = f"INT8, {self._plain.name} {self._plain.version}"
        self.classes, self.preprocessing = spec.classes, spec.preprocessing
        self.provenance = dict(spec.provenance)
        self.temperature = spec.temperature
        self.operating_points = spec.operating_points

    def logits(self, images: NDArray[np.uint8], advance: Advance) -> NDArray[np.float32]:
        """See :class:`Target`."""
        rows = []
        for index, image in enumerate(images):
            rows.append(self._plain.run(image[None]).logits)
            advance(index + 1)
        return np.stack(rows)

    def saliency(
        self,
        images: NDArray[np.uint8],
        class_index: NDArray[np.int64],
        method: str,
        advance: Advance,
    ) -> NDArray[np.float32]:
        """See :class:`Target`; a class activation map has its own cells."""
        if method == "occlusion":
            return _one_by_one(images, class_index, self._occlusion, advance)
        mode = SMOOTHED.get(method, method)
        if mode not in get_args(SaliencyMode):
            raise UsageError(
                f"{self.path} is a bundle, whose graphs give gradient, gradient-early and cam, and "
                f"SmoothGrad of the first two; measure {method} on the run."
            )
        with open_engine(self.engine_name, self.bundle, saliency=mode) as engine:

            def map_of(image: NDArray[np.uint8], chosen: int) -> NDArray[np.float32]:
                if method in SMOOTHED:
                    return mean_map(engine, image, chosen, COPIES)
                found = engine.run(image[None], chosen).saliency
                assert found is not None
                return found

            return _one_by_one(images, class_index, map_of, advance)

    def _occlusion(self, image: NDArray[np.uint8], chosen: int) -> NDArray[np.float32]:
        return occlusion_map(lambda copies: self.logits(copies, lambda _: None), image, chosen)

    def map_grid(self, method: str) -> MapGrid | None:
        """See :class:`Target`."""
        wanted = (graph_format(self.engine_name), SMOOTHED.get(method, method))
        for graph in self.bundle.spec.graphs:
            if (graph.format, graph.saliency) == wanted:
                return graph.map_grid
        return None


def open_target(
    path: Path,
    *,
    engine: str | None = None,
    in_float: bool = False,
    checkpoint: str = "best",
) -> Target:
    """Open a run or a bundle.

    Args:
        path: folder of a run, or a bundle.
        engine: which runs a bundle; the first that is installed by default.
        in_float: switch the fake quantisation of a run off.
        checkpoint: ``best``, or ``float`` for the network after the warm-up of a run.

    Raises:
        ArtifactError: it is neither, or damaged.
        UsageError: an option does not fit what it is.
        DependencyError: the engine is not installed.
    """
    if (path / "bundle.json").is_file():
        if in_float or checkpoint != "best":
            raise UsageError(f"{path} is a bundle; --float and --checkpoint are for runs.")
        return BundleTarget(path, engine=engine)
    if not RunDirectory(path).config.is_file():
        raise ArtifactError(f"{path} is neither a run nor a bundle; check the path.")
    if engine is not None:
        raise UsageError(f"{path} is a run; engines are for bundles, export it first.")
    return RunTarget(path, in_float=in_float, checkpoint=checkpoint)


def weights_of(target: Target, against: Target | None, split_from: Path | None) -> RunTarget | None:
    """The run whose trained weights the target runs with: itself, or the one it was exported from.

    Args:
        target: a run, or a bundle, which tells the hash of its checkpoint.
        against: another target that was named, perhaps that run.
        split_from: a run that was named, perhaps that run.

    Returns:
        None where no run that was named is the one.
    """
    if isinstance(target, RunTarget):
        return target
    wanted = target.provenance.get("checkpoint_sha256")
    if isinstance(against, RunTarget) and sha256_file(against.checkpoint) == wanted:
        return against
    if split_from is not None:
        file = RunDirectory(split_from).best_checkpoint
        if file.is_file() and sha256_file(file) == wanted:
            return RunTarget(split_from)
    return None


def _one_by_one(
    images: NDArray[np.uint8],
    class_index: NDArray[np.int64],
    map_of: Callable[[NDArray[np.uint8], int], NDArray[np.float32]],
    advance: Advance,
) -> NDArray[np.float32]:
    maps = []
    for done, (image, chosen) in enumerate(zip(images, class_index, strict=True), start=1):
        maps.append(map_of(image, int(chosen)))
        advance(done)
    return np.stack(maps)


def _in_batches(
    count: int, function: Callable[[slice], NDArray[np.float32]], advance: Advance
) -> NDArray[np.float32]:
    results = []
    for start in range(0, count, _BATCH_SIZE):
        end = min(start + _BATCH_SIZE, count)
        results.append(function(slice(start, end)))
        advance(end)
    return np.concatenate(results)
