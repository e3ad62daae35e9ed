"""How far readers agree beyond chance: Fleiss' kappa, with an interval over images.

Source: Fleiss, Measuring nominal scale agreement among many raters, Psychological Bulletin 76,
1971, by statsmodels. It asks for equally many answers to each image, so only the images of the most
frequent such number count, and how many those are is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.metrics import Interval, percentile_interval, resample_counts

__all__ = ["Agreement", "fleiss_agreement"]

_REPLICATES = 1000


@dataclass(frozen=True)
class Agreement:
    """Agreement on one question.

    Attributes:
        name: the question, and in which condition.
        kappa: 1 for no disagreement, 0 for what chance gives.
        cases: images that count.
        readers: answers to each of them.
        left_out: images with another number of answers.
    """

    name: str
    kappa: Interval
    cases: int
    readers: int
    left_out: int

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "kappa": self.kappa.to_json(),
            "cases": self.cases,
            "readers": self.readers,
            "left_out": self.left_out,
        }


def fleiss_agreement(
    name: str, answers: NDArray[np.int64], categories: int, groups: Sequence[str]
) -> Agreement | None:
    """Measure agreement; readers are not resampled, since one drawn twice agrees with itself.

    Args:
        name: of the question.
        answers: int64 ``[R, N]``, the category that each reader named, -1 for none.
        categories: how many there are.
        groups: the group of each image.

    Returns:
        None if no image has two answers.
    """
    counts = np.stack([(answers == category).sum(axis=0) for category in range(categories)], axis=1)
    totals = counts.sum(axis=1)
    answered = int((totals > 0).sum())
    sizes = Counter(int(total) for total in totals if total >= 2)
    if not sizes:
        return None
    readers = max(sizes, key=lambda total: (sizes[total] * total, total))
    chosen = totals == readers
    table = counts[chosen]
    kept = [group for group, wanted in zip(groups, chosen, strict=True) if wanted]
    drawn = [
        _kappa(np.repeat(table, times, axis=0))
        for times in resample_counts(kept, replicates=_REPLICATES)
    ]
    kappa = percentile_interval(_kappa(table), np.array(drawn))
    return Agreement(name, kappa, len(table), readers, answered - len(table))


def _kappa(table: NDArray[np.int64]) -> float:
    """NaN where all answers are one category, so that chance explains everything."""
    from statsmodels.stats.inter_rater import fleiss_kappa

    with np.errstate(invalid="ignore", divide="ignore"):
        return float(fleiss_kappa(table))
