"""The thresholds of a classifier, chosen on the validation part for a wanted sensitivity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle.operating_point import OperatingPoint
from edge_runtime.metrics import detection_rates, threshold_for_sensitivity

__all__ = ["choose_operating_points"]


def choose_operating_points(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    groups: Sequence[object],
    classes: Sequence[str],
    sensitivity: float,
) -> tuple[OperatingPoint, ...]:
    """One point for each class that has images.

    Args:
        labels: int64 ``[N]``.
        probabilities: float64 ``[N, C]``, calibrated.
        groups: N names; images that belong together share one.
        classes: the C class names.
        sensitivity: what each class shall reach at least, above 0 to 1.
    """
    points = []
    for index, label in enumerate(classes):
        scores, is_class = probabilities[:, index], labels == index
        if not is_class.any():
            continue
        threshold = threshold_for_sensitivity(scores, is_class, sensitivity)
        rates = detection_rates(scores, is_class, threshold, groups)
        points.append(
            OperatingPoint(
                label=label,
                wanted_sensitivity=sensitivity,
                threshold=threshold,
                sensitivity=rates.sensitivity,
                specificity=rates.specificity,
                positives=rates.positives,
                negatives=rates.negatives,
            )
        )
    return tuple(points)
