"""Intervals for answers of several readers on several images, both of which are a sample.

Source: Owen, The pigeonhole bootstrap, arXiv 0712.1111, 2007: rows and columns of the table of
answers are resampled independently, and an answer counts as often as its reader times as often as
its image was drawn. It errs on the wide side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.metrics import Interval, percentile_interval, resample_counts

__all__ = ["CrossedResamples", "Sampled"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
_CASE_SEED, _READER_SEED = 0, 1


@dataclass(frozen=True, eq=False)
class Sampled:
    """A figure on the answers as they are, and in each resample.

    Attributes:
        value: NaN if it is not defined.
        drawn: float64 ``[B]``, NaN where it is not.
    """

    value: float
    drawn: Floats

    def minus(self, other: Sampled) -> Sampled:
        """The difference, resample by resample."""
        return Sampled(self.value - other.value, self.drawn - other.drawn)

    def exponential(self) -> Sampled:
        """For a figure that was taken of logarithms."""
        return Sampled(float(np.exp(self.value)), np.exp(self.drawn))

    def interval(self) -> Interval:
        """The value with the middle 95 % of the resamples that have it."""
        return percentile_interval(self.value, self.drawn)


class CrossedResamples:
    """Resamples of readers and of groups of images.

    Args:
        readers: R.
        groups: the group of each of the N images; whole groups are drawn.
        replicates: B.
    """

    def __init__(self, readers: int, groups: Sequence[str], replicates: int = 1000) -> None:
        self._cases = resample_counts(groups, replicates=replicates, seed=_CASE_SEED)
        self._readers = resample_counts(range(readers), replicates=replicates, seed=_READER_SEED)

    def mean(self, values: Floats, counted: Mask) -> Sampled:
        """Mean of the answers that are counted.

        Args:
            values: float64 ``[R, N]``, finite where it is counted.
            counted: bool ``[R, N]``.
        """
        kept = np.where(counted, values, 0.0)
        ones = counted.astype(np.float64)
        above, below = (
            ((self._readers @ table) * self._cases).sum(axis=1) for table in (kept, ones)
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = above / below
            value = float(np.divide(kept.sum(), ones.sum()))
        return Sampled(value, drawn)
