"""Intervals by resampling groups, because frames of one scene are not independent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge_runtime.interval import Interval
from edge_runtime.metrics.classification import Integers, classification_metrics
from edge_runtime.metrics.unanimous import unanimous_interval, unanimous_shares

__all__ = [
    "Interval",
    "bootstrap_intervals",
    "bootstrap_mean",
    "bootstrap_median",
    "bootstrap_ratio",
    "percentile_interval",
    "resample_counts",
]

REPLICATES = 1000


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
    narrow. A share of 0 or 1 (accuracy, sensitivity, specificity), where every resample is alike,
    gets the exact binomial interval over groups (:mod:`edge_runtime.metrics.unanimous`); an AUC, F1
    or MCC of 1 keeps [1, 1].

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
    resampled = {
        name: percentile_interval(value, column, confidence)
        for (name, value), column in zip(figures.items(), np.array(drawn).T, strict=True)
    }
    predicted = scores.argmax(axis=1)
    return resampled | dict(unanimous_shares(truth, predicted, membership, classes, confidence))


def bootstrap_mean(
    values: npt.ArrayLike,
    groups: Sequence[object],
    *,
    replicates: int = REPLICATES,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Give the mean of one number per image its interval, resampling groups.

    If all numbers are 0 or all are 1 they are taken for outcomes, and the mean for a share with the
    exact binomial interval over groups, see :mod:`edge_runtime.metrics.unanimous`.

    Args:
        values: Floats [N]; NaN (a map without any energy) is left out of every mean.
        groups: N hashable names.
        replicates: Number of resamples.
        confidence: Share of the resamples inside the interval.
        seed: The same seed gives the same interval.

    Examples:
        Sixty frames of six scenes are six observations, not sixty:

        >>> right = [1, 1, 1, 1, 0, 1] * 10
        >>> scenes = ["a", "b", "c", "d", "e", "f"] * 10
        >>> f"{bootstrap_mean(right, range(60)):.0%}, {bootstrap_mean(right, scenes):.0%}"
        '83% (73% to 92%), 83% (50% to 100%)'
    """
    numbers = np.asarray(values, np.float64)
    defined = ~np.isnan(numbers)
    if np.isin(numbers[defined], (0.0, 1.0)).all():
        membership = _membership(groups, len(numbers))[defined]
        exact = unanimous_interval(numbers[defined] == 1.0, membership, confidence)
        if exact is not None:
            return exact
    ones = np.ones(len(numbers))
    return bootstrap_ratio(
        numbers, ones, groups, replicates=replicates, confidence=confidence, seed=seed
    )


def bootstrap_ratio(
    numerators: npt.ArrayLike,
    denominators: npt.ArrayLike,
    groups: Sequence[object],
    *,
    replicates: int = REPLICATES,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Give the ratio of two means its interval, resampling groups.

    Args:
        numerators: Floats [N]; an image whose number is NaN is left out of both means.
        denominators: Floats [N], likewise.
        groups: N hashable names.
        replicates: Number of resamples.
        confidence: Share of the resamples inside the interval.
        seed: The same seed gives the same interval.

    Examples:
        >>> energy, area = [0.4, 0.6, 0.5], [0.1, 0.2, 0.1]  # of three lesions
        >>> f"{bootstrap_ratio(energy, area, groups=range(3)):.2f}"
        '3.75 (3.00 to 5.00)'
    """
    above, below = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    defined = ~(np.isnan(above) | np.isnan(below))
    above, below = np.where(defined, above, 0.0), np.where(defined, below, 0.0)
    membership = _membership(groups, len(above))
    draws = _draws(_count(membership), replicates, seed)
    sums = [np.bincount(membership, values, draws.shape[1]) for values in (above, below)]
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = (draws @ sums[0]) / (draws @ sums[1])
        value = float(above.sum() / below.sum())
    return percentile_interval(value if np.isfinite(value) else float("nan"), drawn, confidence)


def bootstrap_median(
    values: npt.ArrayLike,
    groups: Sequence[object],
    *,
    replicates: int = REPLICATES,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Give the median of one number per image its interval, resampling groups.

    Args:
        values: Floats [N]; NaN is left out.
        groups: N hashable names.
        replicates: Number of resamples.
        confidence: Share of the resamples inside the interval.
        seed: The same seed gives the same interval.
    """
    numbers = np.asarray(values, np.float64)
    order = np.argsort(numbers)  # NaN comes last
    ordered = numbers[order]
    defined = ~np.isnan(ordered)

    def median(weights: Integers) -> float:
        # The mean of the two middle values of the multiset, without building it.
        reached = np.cumsum(weights[order] * defined)
        total = int(reached[-1]) if len(reached) else 0
        if not total:
            return float("nan")
        lower, upper = np.searchsorted(reached, ((total + 1) // 2, total // 2 + 1))
        return float((ordered[lower] + ordered[upper]) / 2)

    membership = _membership(groups, len(numbers))
    drawn = [median(weights) for weights in _resamples(membership, replicates, seed)]
    return percentile_interval(median(np.ones(len(numbers), np.int64)), drawn, confidence)


def percentile_interval(value: float, drawn: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """Give a figure the middle of its resamples, of those in which it is defined.

    Args:
        value: The figure on the data as they are.
        drawn: Floats [R], the figure in each resample, not finite where it is not defined.
        confidence: Share of the resamples inside the interval.

    Raises:
        ValueError: `confidence` is not between 0 and 1.

    Examples:
        >>> percentile_interval(0.5, [0.25, 0.5, 0.75, float("nan")], confidence=0.5)
        Interval(value=0.5, low=0.375, high=0.625)
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}")
    figures = np.asarray(drawn, np.float64)
    defined = figures[np.isfinite(figures)]
    if not len(defined):
        return Interval(value, float("nan"), float("nan"))
    tail = (100.0 - 100.0 * confidence) / 2
    low, high = np.percentile(defined, [tail, 100.0 - tail])
    return Interval(value, float(low), float(high))


def resample_counts(
    groups: Sequence[object], *, replicates: int = REPLICATES, seed: int = 0
) -> Integers:
    """Draw the resamples of every interval here, for statistics that this module does not have.

    Args:
        groups: N hashable names; a resample has whole groups, as many as there are.
        replicates: R.
        seed: The same seed gives the same resamples.

    Returns:
        How often each image counts in each resample, int64 [R, N].

    Examples:
        Images of one group are drawn together, or left out together.

        >>> resample_counts(["a", "a", "b"], replicates=2).tolist()
        [[0, 0, 2], [1, 1, 1]]
    """
    return _resamples(_membership(groups, len(groups)), replicates, seed)


def _membership(groups: Sequence[object], count: int) -> Integers:
    """Number the groups in order of appearance, int64 [N]."""
    if len(groups) != count:
        raise ValueError(f"expected {count} groups, one per image, got {len(groups)}")
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], np.int64)


def _count(membership: Integers) -> int:
    """Number of groups."""
    return int(membership.max()) + 1 if len(membership) else 0


def _draws(groups: int, replicates: int, seed: int) -> Integers:
    """How often each group is drawn in each resample, int64 [replicates, groups]."""
    if replicates < 1:
        raise ValueError(f"replicates must be at least 1, not {replicates}")
    drawn = np.random.default_rng(seed).integers(0, groups, (replicates, groups))
    rows = np.arange(replicates)[:, None] * groups
    counts = np.bincount((drawn + rows).ravel(), minlength=replicates * groups)
    return np.asarray(counts.reshape(replicates, groups), np.int64)


def _resamples(membership: Integers, replicates: int, seed: int) -> Integers:
    """How often each image counts in each resample, int64 [R, N]."""
    return _draws(_count(membership), replicates, seed)[:, membership]
