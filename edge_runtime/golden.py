"""Golden inputs: does an engine on this machine give what the export worked out?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle.reader import Bundle
from edge_runtime.engines.registry import open_engine
from edge_runtime.errors import ArtifactError
from edge_runtime.quick_dataclass import dataclass

__all__ = ["GoldenResult", "check_golden"]

# Steps are computed in float32, so a difference of exactly one may read as a little more.
_STEP_SLACK = 1e-3
# The built-in kernels of the older engine round otherwise than XNNPACK, layer after layer.
_STEPS_OF_ENGINE = {"tflite-runtime": 3.0}


@dataclass(frozen=True)
class GoldenResult:
    """What one engine gave for the golden inputs with one graph.

    Attributes:
        engine: Name of the engine.
        version: Version of its package.
        graph: Name of the graph.
        images: Golden images that were run.
        worst_steps: Largest difference of a logit, in quantisation steps.
        top_class_agreed: Images whose top class is the expected one.
        lowest_correlation: Lowest Pearson correlation of a saliency map with the expected one;
            None for a graph without a map, or a bundle without expected maps for it.
        passed: Whether all this is within the bundle's tolerances.
    """

    engine: str
    version: str
    graph: str
    images: int
    worst_steps: float
    top_class_agreed: int
    lowest_correlation: float | None
    passed: bool


def check_golden(bundle: Bundle, engine_name: str, saliency: str = "none") -> GoldenResult:
    """Run the golden inputs of a bundle through one engine.

    Args:
        bundle: The bundle.
        engine_name: Engine to check.
        saliency: Mode of the graph to check.

    Raises:
        ArtifactError: The bundle has no golden inputs, or they do not fit its graphs.
        DependencyError: The engine is not installed.
    """
    golden = bundle.spec.golden
    if golden is None:
        raise ArtifactError(f"{bundle.path} holds no golden inputs; export it again.")
    images = bundle.read_array(golden.images_file)
    expected = bundle.read_array(golden.logits_file)
    map_file = golden.saliency_files.get(saliency)
    maps = None if map_file is None else bundle.read_array(map_file)
    with open_engine(engine_name, bundle, saliency) as engine:
        _check_shapes(bundle, images, expected, maps, engine.graph.input("image").shape)
        results = [engine.run(image[None]) for image in images]
        version, graph = engine.version, engine.graph.name
    logits = np.stack([result.logits for result in results])
    steps = np.abs(logits - expected) / golden.logit_step
    # A class that ties with the expected top class within the tolerance is as good.
    chosen = np.take_along_axis(expected, logits.argmax(axis=1)[:, None], axis=1)[:, 0]
    allowed = max(golden.max_steps, _STEPS_OF_ENGINE.get(engine_name, 0.0))
    tolerance = allowed * golden.logit_step
    agreed = int(np.sum(chosen >= expected.max(axis=1) - tolerance))
    correlation = None
    if maps is not None:
        correlation = min(
            _correlation(result.saliency, wanted)
            for result, wanted in zip(results, maps, strict=True)
            if result.saliency is not None
        )
    worst = float(steps.max())
    return GoldenResult(
        engine=engine_name,
        version=version,
        graph=graph,
        images=len(images),
        worst_steps=worst,
        top_class_agreed=agreed,
        lowest_correlation=correlation,
        passed=worst <= allowed + _STEP_SLACK
        and agreed == len(images)
        and (correlation is None or correlation >= golden.min_correlation),
    )


def _check_shapes(
    bundle: Bundle,
    images: NDArray[np.uint8],
    logits: NDArray[np.float32],
    maps: NDArray[np.float32] | None,
    image_shape: tuple[int, ...],
) -> None:
    count = len(images) if images.ndim == 4 else 0
    fits = (
        count > 0
        and images.dtype == np.uint8
        and images.shape[1:] == image_shape[1:]
        and logits.shape == (count, len(bundle.spec.classes))
        and (maps is None or (maps.ndim == 3 and len(maps) == count))
    )
    if not fits:
        raise ArtifactError(
            f"The golden files of {bundle.path} do not fit its graphs; export it again."
        )


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return Pearson's correlation of two maps; equal maps without contrast count as 1."""
    if first.shape != second.shape:
        return 0.0
    a = first.astype(np.float64).ravel() - first.mean(dtype=np.float64)
    b = second.astype(np.float64).ravel() - second.mean(dtype=np.float64)
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    if norm == 0:
        return 1.0 if np.array_equal(first, second) else 0.0
    return float(a @ b) / norm
