"""A class called present from a threshold on, and what that finds and spares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge_runtime.metrics.bootstrap import Interval, bootstrap_mean
from edge_runtime.quick_dataclass import dataclass

__all__ = ["DetectionRates", "detection_rates", "threshold_for_sensitivity"]


@dataclass(frozen=True)
class DetectionRates:
    """One class against the rest, at a threshold.

    Attributes:
        sensitivity: Share of the class's images whose score reaches the threshold.
        specificity: Share of the other images whose score does not.
        positives: Images of the class.
        negatives: Other images.
    """

    sensitivity: Interval
    specificity: Interval
    positives: int
    negatives: int


def threshold_for_sensitivity(
    scores: npt.ArrayLike, is_class: npt.ArrayLike, sensitivity: float
) -> float:
    """Choose the highest threshold that finds at least the wanted share of a class.

    It is put half way between the lowest score that it must accept and the next lower score of any
    image (0 if there is none): figures on these images are the same anywhere in between, and a
    score that is rounded elsewhere, on a device, stays on its side.

    Args:
        scores: Floats [N] of 0 to 1, the probability of the class.
        is_class: bool [N].
        sensitivity: Wanted share, above 0 to 1.

    Returns:
        A threshold of 0 to 1; an image is called if its score is equal or above.

    Raises:
        ValueError: Shapes do not agree, no image is of the class, or a number is out of range.

    Examples:
        >>> scores, is_class = [0.9, 0.8, 0.6, 0.4, 0.1], [True, True, False, True, False]
        >>> threshold_for_sensitivity(scores, is_class, 0.6)  # two of three, half way to the next
        0.7
        >>> threshold_for_sensitivity(scores, is_class, 1.0)
        0.25
    """
    values, positive = _checked(scores, is_class)
    if not 0 < sensitivity <= 1:
        raise ValueError(f"a sensitivity of {sensitivity} is not above 0 and at most 1")
    if not positive.any():
        raise ValueError("there is no image of the class")
    descending = np.sort(values[positive])[::-1]
    # Not ceil of a rounded product: 0.95 of 20 images are 19, though 0.95 * 20 may exceed it.
    needed = int(np.ceil(sensitivity * len(descending) - 1e-9))
    lowest = float(descending[needed - 1])
    below = values[values < lowest]
    if not len(below):
        return lowest / 2
    rejected = float(below.max())
    half_way = (lowest + rejected) / 2
    # Between two neighbouring numbers there is no third: the half may round to the rejected one.
    return half_way if half_way > rejected else lowest


def detection_rates(
    scores: npt.ArrayLike, is_class: npt.ArrayLike, threshold: float, groups: Sequence[object]
) -> DetectionRates:
    """Measure a threshold, with 95 % intervals that resample groups.

    The threshold is taken as given: on the images that it was chosen on, the intervals are too
    narrow, and the sensitivity is as wanted by construction.

    Args:
        scores: Floats [N] of 0 to 1, the probability of the class.
        is_class: bool [N].
        threshold: An image is called if its score is equal or above.
        groups: N hashable names; images that belong together share one.

    Raises:
        ValueError: Shapes do not agree, or a score is out of range.
    """
    values, positive = _checked(scores, is_class)
    called = values >= threshold
    return DetectionRates(
        # NaN is left out of a mean.
        sensitivity=bootstrap_mean(np.where(positive, called, np.nan), groups),
        specificity=bootstrap_mean(np.where(positive, np.nan, ~called), groups),
        positives=int(positive.sum()),
        negatives=int((~positive).sum()),
    )


def _checked(
    scores: npt.ArrayLike, is_class: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    values, positive = np.asarray(scores, np.float64), np.asarray(is_class, np.bool_)
    if values.ndim != 1 or values.shape != positive.shape:
        raise ValueError(f"expected two lists of one length, got {values.shape}, {positive.shape}")
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("a score is not a probability from 0 to 1")
    return values, positive
