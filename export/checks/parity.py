"""Comparing one engine's outputs with the reference's, in quantisation steps and in maps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import softmax
from edge_runtime.engines import load_engine
from edge_runtime.metrics import rank_correlation
from export.candidate import GraphFile

__all__ = [
    "LogitParity",
    "MapParity",
    "Outputs",
    "compare_logits",
    "compare_maps",
    "run_graph",
    "top_agreement",
]

Floats = NDArray[np.float32]
# What a NaN or an infinity from an engine counts as: no tolerance covers it, and JSON can hold it.
_BROKEN_STEPS = 10**9


@dataclass(frozen=True)
class Outputs:
    """What a graph gave for N images.

    Attributes:
        logits: float32 ``[N, C]``.
        features: float32 ``[N, F]``.
        saliency: float32 ``[N, h, w]``, or None for a plain graph.
        class_index_used: int32 ``[N]``.
    """

    logits: Floats
    features: Floats
    saliency: Floats | None
    class_index_used: NDArray[np.int32]


@dataclass(frozen=True)
class LogitParity:
    """Differences of logits from the reference's.

    Attributes:
        histogram: signed difference in quantisation steps to number of logits.
        largest_steps: largest magnitude in it.
        top_agreement: see :func:`top_agreement`, with one step of tolerance.
        same_top: share of images with the very same top class.
        largest_probability: largest difference of a softmax probability.
    """

    histogram: dict[int, int]
    largest_steps: int
    top_agreement: float
    same_top: float
    largest_probability: float

    @property
    def share_off(self) -> float:
        """Share of values that are more than one step off."""
        total = sum(self.histogram.values())
        return sum(count for step, count in self.histogram.items() if abs(step) > 1) / total

    def to_json(self) -> dict[str, Any]:
        """For the report."""
        return {
            "histogram_steps": {str(step): n for step, n in sorted(self.histogram.items())},
            "largest_steps": self.largest_steps,
            "top_agreement": self.top_agreement,
            "same_top": self.same_top,
            "largest_probability": self.largest_probability,
        }


@dataclass(frozen=True)
class MapParity:
    """Agreement of saliency maps.

    Attributes:
        median_spearman: median over images of the rank correlation of their pixels.
        worst_spearman: the least of them.
        median_pearson: median over images of the linear correlation.
        worst_pearson: the least of them.
        constant: images whose two maps are both constant, where nothing can be ranked.
    """

    median_spearman: float
    worst_spearman: float
    median_pearson: float
    worst_pearson: float
    constant: int

    def to_json(self) -> dict[str, Any]:
        """For the report."""
        return dict(self.__dict__)


def run_graph(
    engine_name: str,
    graph: GraphFile,
    images: NDArray[np.uint8],
    class_index: NDArray[np.int32] | None = None,
) -> Outputs:
    """Run one graph in one engine, opened as on a device, image by image.

    Args:
        engine_name: a key of ``edge_runtime.engines.ENGINES``.
        graph: bytes and description.
        images: uint8 ``[N, H, W, 3]``.
        class_index: int32 ``[N]``, -1 for the top class; None is -1 for all.
    """
    chosen = np.full(len(images), -1, np.int32) if class_index is None else class_index
    with load_engine(engine_name, graph.spec, graph.model, threads=1) as engine:
        results = [
            engine.run(image[None], int(index)) for image, index in zip(images, chosen, strict=True)
        ]
    maps = [result.saliency for result in results if result.saliency is not None]
    return Outputs(
        logits=np.stack([result.logits for result in results]),
        features=np.stack([result.features for result in results]),
        saliency=np.stack(maps) if maps else None,
        class_index_used=np.array([result.class_index_used for result in results], np.int32),
    )


def compare_logits(found: Floats, expected: Floats, step: float) -> LogitParity:
    """Compare logits ``[N, C]`` whose quantisation step is ``step``."""
    difference = (found.astype(np.float64) - expected.astype(np.float64)) / step
    whole = np.rint(np.nan_to_num(difference, nan=_BROKEN_STEPS, posinf=_BROKEN_STEPS))
    steps = np.clip(whole, -_BROKEN_STEPS, _BROKEN_STEPS).astype(np.int64)
    with np.errstate(invalid="ignore"):  # a broken engine's infinities end as NaN, which is judged
        probability = np.abs(softmax(found, 1.0) - softmax(expected, 1.0))
    return LogitParity(
        histogram={int(value): count for value, count in Counter(steps.ravel().tolist()).items()},
        largest_steps=int(np.abs(steps).max()),
        top_agreement=top_agreement(found, expected, tolerance=1.5 * step),
        same_top=top_agreement(found, expected),
        largest_probability=float(np.nan_to_num(probability, nan=1.0).max()),
    )


def top_agreement(found: Floats, expected: Floats, tolerance: float = 0.0) -> float:
    """Share of images ``[N, C]`` whose top class is the expected one, or as good as it.

    Two classes whose expected logits are no more than ``tolerance`` apart cannot be told apart at
    this resolution: either counts. (Give 1.5 steps for one, so that rounding does not decide.)
    """
    chosen = np.take_along_axis(expected, found.argmax(axis=1)[:, None], axis=1)[:, 0]
    return float(np.mean(chosen >= expected.max(axis=1) - tolerance))


def compare_maps(found: Floats, expected: Floats) -> MapParity:
    """Compare maps ``[N, h, w]`` image by image.

    Case 1: two constant maps agree if they are equal (a network may see nothing at all).
    Case 2: one constant map against one that is not: no agreement, 0.
    Case 3: the correlations.
    """
    spearman, pearson, constant = [], [], 0
    for one, other in zip(found, expected, strict=True):
        flat = [bool(np.ptp(values) == 0) for values in (one, other)]
        if any(flat) or not np.isfinite(one).all():
            constant += all(flat)
            agreement = float(all(flat) and np.array_equal(one, other))
            spearman.append(agreement)
            pearson.append(agreement)
            continue
        spearman.append(rank_correlation(one, other))
        pearson.append(_correlation(one.astype(np.float64), other.astype(np.float64)))
    return MapParity(
        median_spearman=float(np.median(spearman)),
        worst_spearman=float(np.min(spearman)),
        median_pearson=float(np.median(pearson)),
        worst_pearson=float(np.min(pearson)),
        constant=constant,
    )


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    a, b = (values.ravel() - values.mean() for values in (first, second))
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))
