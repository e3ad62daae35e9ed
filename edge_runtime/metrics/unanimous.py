"""Intervals of a share that is 0 or 1, where resampling sees no doubt.

Every resample of images that are all right is all right: the bootstrap gives [1, 1] for 3 images
and for 3000. The exact binomial interval (Clopper and Pearson, Biometrika 26, 404, 1934) does not:
of n independent trials that all succeed its lower end is ``((1 - confidence) / 2) ** (1 / n)``,
about ``1 - 3.7 / n`` at 95 %. Groups are the trials here, since images of one group are not
independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edge_runtime.interval import Interval
from edge_runtime.metrics.classification import Integers

__all__ = ["unanimous_interval", "unanimous_shares"]


def unanimous_interval(
    outcomes: npt.NDArray[np.bool_], groups: Integers, confidence: float
) -> Interval | None:
    """Give a share whose outcomes are all alike its exact interval.

    Args:
        outcomes: bool [N], one for each image that the share is of.
        groups: int64 [N], the group of each.
        confidence: Probability that the interval holds the share, between 0 and 1.

    Returns:
        None if there is no outcome or they differ: then the bootstrap has something to resample.
    """
    if not len(outcomes) or outcomes.any() != outcomes.all():
        return None
    far_end = float(((1.0 - confidence) / 2.0) ** (1.0 / len(np.unique(groups))))
    return Interval(1.0, far_end, 1.0) if outcomes.all() else Interval(0.0, 0.0, 1.0 - far_end)


def unanimous_shares(
    truth: Integers,
    predicted: Integers,
    groups: Integers,
    classes: Sequence[str],
    confidence: float,
) -> Mapping[str, Interval]:
    """Give each share among the figures of a classifier that is 0 or 1 its exact interval.

    The mean of several shares that are all 0 or 1 gets the mean of their ends, which is wider than
    it need be.

    Args:
        truth: int64 [N], the label of each image.
        predicted: int64 [N], its predicted class.
        groups: int64 [N], its group.
        classes: The C class names.
        confidence: As :func:`unanimous_interval`.

    Returns:
        Interval by the names of :meth:`ClassificationMetrics.scalars`, of those figures alone.
    """
    outcomes = {"accuracy": (predicted == truth, groups)}
    for number, label in enumerate(classes):
        of_class = truth == number
        outcomes[f"sensitivity/{label}"] = (predicted[of_class] == number, groups[of_class])
        outcomes[f"specificity/{label}"] = (predicted[~of_class] != number, groups[~of_class])
    found = {
        name: interval
        for name, (values, names) in outcomes.items()
        if (interval := unanimous_interval(values, names, confidence)) is not None
    }
    for share in ("sensitivity", "specificity"):
        defined = [
            name for name, (values, _) in outcomes.items() if name.startswith(share) and len(values)
        ]
        parts = [found[name] for name in defined if name in found]
        if parts and len(parts) == len(defined):
            ends = np.array([(part.value, part.low, part.high) for part in parts]).mean(axis=0)
            found[f"macro_{share}"] = Interval(*map(float, ends))
    return found
