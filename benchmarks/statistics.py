"""Percentiles that have the samples for them, and intervals that assume no distribution.

Latencies on a computer that does other things too are skewed and drift, so nothing here assumes a
normal distribution: the middle is a median, the spread is made of order statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.absent import Absent, to_json

__all__ = [
    "MINIMUM_EFFECT",
    "MINIMUM_ROUNDS",
    "MINIMUM_SAMPLES",
    "MedianInterval",
    "median_interval",
    "paired_ratios",
    "percentiles",
]

MINIMUM_SAMPLES = {"p50": 1, "p90": 10, "p99": 1000}
"""Percentile -> samples below which it is not given: p99 of less than 1000 rests on a handful."""

MINIMUM_EFFECT = 0.03
"""A smaller change is nobody's business: layout of memory alone makes as much."""
MINIMUM_ROUNDS = 6
"""Processes of each side below which no verdict is given: an interval of fewer means little."""

_NANOSECONDS_PER_MS = 1e6
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class MedianInterval:
    """The median of some rounds and an interval for the median of all rounds that could be.

    Attributes:
        median: Median of the rounds.
        low: Lower end, the value of one round; Absent with fewer than two rounds.
        high: Upper end.
        confidence: Probability that such an interval covers the median, 0 to 1.
        rounds: Values of the rounds, in the order they were measured.
    """

    median: float
    low: float | Absent
    high: float | Absent
    confidence: float
    rounds: tuple[float, ...]

    @property
    def text(self) -> str:
        """For people, with the interval if there is one: ``1.023 (0.981 to 1.060)``."""
        if isinstance(self.low, Absent) or isinstance(self.high, Absent):
            return f"{self.median:.3f}"
        return f"{self.median:.3f} ({self.low:.3f} to {self.high:.3f})"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the report."""
        return {
            "median": self.median,
            "low": to_json(self.low),
            "high": to_json(self.high),
            "confidence": self.confidence,
            "rounds": list(self.rounds),
        }


def percentiles(samples_ns: npt.ArrayLike) -> dict[str, float | Absent]:
    """Return ``p50``, ``p90``, ``p99`` and ``max`` in milliseconds.

    A percentile lies between two samples by linear interpolation (NumPy's default). One that has
    fewer samples than :data:`MINIMUM_SAMPLES` is absent with the reason.

    Args:
        samples_ns: Durations in nanoseconds, ``[N]``, N at least 1.

    Raises:
        ValueError: There is no sample.

    Examples:
        >>> found = percentiles([2_000_000, 4_000_000])  # two inferences, nanoseconds
        >>> found["p50"], found["max"]
        (3.0, 4.0)
        >>> found["p99"]
        Absent(reason='p99 needs 1000 samples, there are 2')
    """
    samples = np.asarray(samples_ns, dtype=np.float64) / _NANOSECONDS_PER_MS
    if samples.ndim != 1 or not samples.size:
        raise ValueError(f"expected samples [N], got {samples.shape}")
    figures: dict[str, float | Absent] = {}
    for name, minimum in MINIMUM_SAMPLES.items():
        if samples.size >= minimum:
            figures[name] = float(np.percentile(samples, int(name[1:])))
        else:
            figures[name] = Absent(f"{name} needs {minimum} samples, there are {samples.size}")
    figures["max"] = float(samples.max())
    return figures


def paired_ratios(numerators: Sequence[float], denominators: Sequence[float]) -> tuple[float, ...]:
    """Divide round by round, so that what slowed a whole round down cancels out.

    Raises:
        ValueError: The numbers of rounds differ.

    Examples:
        The second round was twice as slow for both:

        >>> paired_ratios([3.0, 6.0], [2.0, 4.0])
        (1.5, 1.5)
    """
    if len(numerators) != len(denominators):
        raise ValueError(f"{len(numerators)} rounds cannot be paired with {len(denominators)}")
    return tuple(top / bottom for top, bottom in zip(numerators, denominators, strict=True))


def median_interval(rounds: Sequence[float]) -> MedianInterval:
    """Return the median of rounds with the interval of the sign test.

    The interval goes from the k-th smallest to the k-th largest round. It covers the true median
    with probability ``1 - 2 P(B < k)``, B binomial (n, 1/2), whatever the distribution (David and
    Nagaraja, Order Statistics, 2003, section 7.1). k is the largest that reaches 95 %; with fewer
    than six rounds none does, and the interval goes from the least to the largest round, with the
    confidence it has: ``1 - 2^(1 - n)``.

    Args:
        rounds: One figure a round, at least one.

    Raises:
        ValueError: There is no round.

    Examples:
        >>> found = median_interval([9.0, 1.0, 2.0, 3.0, 4.0, 5.0])
        >>> found.median, found.low, found.high, found.confidence
        (3.5, 1.0, 9.0, 0.96875)
    """
    count = len(rounds)
    if not count:
        raise ValueError("a median needs at least one round")
    median = float(np.median(rounds))
    if count == 1:
        reason = Absent("an interval needs two rounds, there is one")
        return MedianInterval(median, reason, reason, 0.0, tuple(rounds))
    left_out = 0
    # This ends before the middle: an interval without half of the rounds covers nothing.
    while _coverage(count, left_out + 1) >= _CONFIDENCE:
        left_out += 1
    ordered = sorted(rounds)
    return MedianInterval(
        median=median,
        low=ordered[left_out],
        high=ordered[count - 1 - left_out],
        confidence=_coverage(count, left_out),
        rounds=tuple(rounds),
    )


def _coverage(count: int, left_out: int) -> float:
    """Confidence of the interval that leaves out this many rounds at each end."""
    return 1.0 - 2.0 * sum(comb(count, index) for index in range(left_out + 1)) / 2.0**count
