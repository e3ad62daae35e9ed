"""Intervals by resampling groups, because frames of one scene are not independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_runtime.metrics.classification import Floats, Integers, classification_metrics

__all__ = ["Interval", "bootstrap_intervals", "bootstrap_mean"]

REPLICATES = 1000


@dataclass(frozen=True)
class Interval:
    """A figure with its percentile bootstrap interval.

    Attributes:
        value: The figure on the data as they are; NaN if it is not defined.
        low: Lower end of the interval; NaN if the figure is defined in no resample.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"

    def to_json(self) -> dict[str, float | None]:
        """Return ``{"value", "low", "high"}``, with None in place of NaN, which JSON lacks."""
        named = {"value": self.value, "low": self.low, "high": self.high}
        return {name: None if np.isnan(number) else number for name, number in named.items()}


def bootstrap_intervals(
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    groups: Sequence[object],
    classes: Sequence[str],
    *,
    replicates: int = REPLICATES,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Interval]:
    """Give every scalar of :class:`ClassificationMetrics` its interval.

    Whole groups are drawn with replacement, as many as there are (the cluster bootstrap; Davison
    and Hinkley 1997, section 3.8). With few groups, or a figure near 0 or 1, the interval is too
    narrow; a figure of 1 gets the interval [1, 1].

    Args:
        labels: Integers [N].
        probabilities: Floats [N, C].
        groups: N hashable names; images that belong together share one.
        classes: The C class names.
        replicates: Number of resamples.
        confidence: Share of the resamples inside the interval.
        seed: The same seed gives the same interval.

    Returns:
        Interval by the names of :meth:`ClassificationMetrics.scalars`.

    Raises:
        ValueError: As :func:`classification_metrics`, or `groups` has another length.
    """
    truth, scores = np.asarray(labels, np.int64), np.asarray(probabilities, np.float64)
    figures = classification_metrics(truth, scores).scalars(classes)
    membership = _membership(groups, len(truth))
    drawn = [
        list(classification_metrics(truth, scores, weights).scalars(classes).values())
        for weights in _resamples(membership, replicates, seed)
    ]
    lows, highs = _percentiles(np.array(drawn), confidence)
    return {
        name: Interval(value, float(low), float(high))
        for (name, value), low, high in zip(figures.items(), lows, highs, strict=True)
    }


def bootstrap_mean(
    values: npt.ArrayLike,
    groups: Sequence[object],
    *,
    replicates: int = REPLICATES,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Give the mean of one number per image its interval, resampling groups.

    Args:
        values: Floats [N]; NaN (a map without any energy) is left out of every mean.
        groups: N hashable names.
        replicates: Number of resamples.
        confidence: Share of the resamples inside the interval.
        seed: The same seed gives the same interval.
    """
    numbers = np.asarray(values, np.float64)
    membership = _membership(groups, len(numbers))
    defined = ~np.isnan(numbers)
    filled = np.where(defined, numbers, 0.0)

    def mean(weights: Integers) -> float:
        count = int((weights * defined).sum())
        return float((weights * filled).sum()) / count if count else float("nan")

    drawn = [[mean(weights)] for weights in _resamples(membership, replicates, seed)]
    lows, highs = _percentiles(np.array(drawn), confidence)
    whole = mean(np.ones(len(numbers), np.int64))
    return Interval(whole, float(lows[0]), float(highs[0]))


def _membership(groups: Sequence[object], count: int) -> Integers:
    """Number the groups in order of appearance, int64 [N]."""
    if len(groups) != count:
        raise ValueError(f"expected {count} groups, one per image, got {len(groups)}")
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], np.int64)


def _resamples(membership: Integers, replicates: int, seed: int) -> list[Integers]:
    """How often each image counts in each resample, int64 [N]."""
    if replicates < 1:
        raise ValueError(f"replicates must be at least 1, not {replicates}")
    groups = int(membership.max()) + 1 if len(membership) else 0
    generator = np.random.default_rng(seed)
    weights = []
    for _ in range(replicates):
        draws = np.bincount(generator.integers(0, groups, groups), minlength=groups)
        weights.append(draws[membership].astype(np.int64))
    return weights


def _percentiles(drawn: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Ends of the interval per column of [replicates, figures], over the resamples that have it."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}")
    tail = 50.0 * (1.0 - confidence)
    lows, highs = np.full(drawn.shape[1], np.nan), np.full(drawn.shape[1], np.nan)
    for column in range(drawn.shape[1]):
        defined = drawn[:, column][~np.isnan(drawn[:, column])]
        if len(defined):
            lows[column], highs[column] = np.percentile(defined, [tail, 100.0 - tail])
    return lows, highs
