"""How alike two saliency maps of one image are: by the order of their pixels, and at their top."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_runtime.metrics.classification import Floats

__all__ = ["rank_correlation", "top_overlap"]

TOP_SHARE = 0.1


def rank_correlation(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Spearman's rank correlation of two maps; ties share their mean rank.

    The measure of arXiv 1810.03292, section 3.1 (taken there with and without the maps' signs).

    Args:
        first: Floats of any shape.
        second: Floats of the same shape.

    Returns:
        -1..1. A constant map has no order: it agrees with an equal one (1) and with no other (0).
        So does a map with values that are not finite: with none.

    Raises:
        ValueError: The shapes differ or the maps are empty.

    Examples:
        >>> rank_correlation([0.0, 0.2, 0.9], [1.0, 5.0, 6.0])  # only the order counts
        1.0
        >>> rank_correlation([1.0, 1.0, 1.0], [1.0, 5.0, 6.0])  # a constant map has none
        0.0
    """
    one, other = _pair(first, second)
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return 0.0
    if np.ptp(one) == 0.0 or np.ptp(other) == 0.0:
        return float(np.array_equal(one, other))
    a, b = (ranks - ranks.mean() for ranks in (_ranks(one), _ranks(other)))
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def top_overlap(first: npt.ArrayLike, second: npt.ArrayLike, share: float = TOP_SHARE) -> float:
    """Share of the highest pixels of one map that are among the highest of the other.

    Both maps give the ``k = max(1, round(share * n))`` pixels with the highest values. Where ties
    leave the choice open, each tied pixel belongs to the set by its share of the places left, and
    a pixel in both sets counts with the smaller share; so equal maps score 1 and a flat map scores
    what chance does, ``k / n``.

    Args:
        first: Floats of any shape.
        second: Floats of the same shape.
        share: Share of the pixels, above 0 to 1.

    Returns:
        0..1; 0 if a map has values that are not finite.

    Raises:
        ValueError: The shapes differ, the maps are empty, or ``share`` is out of range.

    Examples:
        >>> top_overlap([4.0, 3.0, 2.0, 1.0], [3.0, 4.0, 1.0, 2.0], share=0.5)
        1.0
        >>> top_overlap([0.0, 0.0, 0.0, 0.0], [3.0, 4.0, 1.0, 2.0], share=0.5)  # by chance
        0.5
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share must be above 0 and at most 1, not {share}")
    one, other = _pair(first, second)
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return 0.0
    count = max(1, round(share * one.size))
    return float(np.minimum(_top(one, count), _top(other, count)).sum()) / count


def _pair(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Floats, Floats]:
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.shape != other.shape or not one.size:
        raise ValueError(f"expected two maps of one shape, got {one.shape} and {other.shape}")
    return one.ravel(), other.ravel()


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse.ravel()], np.float64)


def _top(values: Floats, count: int) -> Floats:
    """Membership of each pixel in the ``count`` highest, float64 [n], summing to ``count``."""
    threshold = np.partition(values, -count)[-count]
    above, tied = values > threshold, values == threshold
    left = count - np.count_nonzero(above)
    return np.asarray(above + tied * (left / np.count_nonzero(tied)), np.float64)
