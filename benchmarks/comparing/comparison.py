"""Whether one report is faster than another: a ratio, its interval, and a verdict.

What varies is the process (where its memory lies, when it ran) much more than the frame, so the
bootstrap draws processes first and then frames within each (Kalibera and Jones, ISMM 2013;
Davison and Hinkley, Bootstrap Methods, 1997, section 3.8). With a handful of processes a percentile
interval is too narrow; it is widened as Hesterberg's expanded percentile interval is (The American
Statistician 69(4), 2015). Of many comparisons some look different by chance: p-values are adjusted
by Holm's method (Scandinavian Journal of Statistics 6, 1979).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from benchmarks.absent import Absent, to_json
from benchmarks.statistics import MINIMUM_EFFECT, MINIMUM_ROUNDS

__all__ = [
    "ALPHA",
    "REPLICATES",
    "Comparison",
    "Verdict",
    "compare_rounds",
    "comparison_of",
    "holm",
    "log_quantiles",
    "too_few",
    "with_verdicts",
]

Verdict = Literal["faster", "slower", "no evidence"]
Floats = npt.NDArray[np.float64]

ALPHA = 0.05
REPLICATES = 10_000

_NOT_ADJUSTED = Absent("not adjusted yet")
_SEED = 0
_NORMAL_975 = 1.959964
# Of Student's distribution, 97.5 %, by degrees of freedom; beyond, an expansion in 1 / degrees.
_STUDENT_975 = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
)  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """How the latency of a configuration compares with that of the base.

    Attributes:
        ratio: New over base; above 1 the new one is slower.
        low: Lower end of the 95 % interval, of this comparison alone; Absent with too few rounds.
        high: Upper end.
        p_value: Two-sided, of no change; Absent with too few rounds.
        adjusted: The same after Holm's adjustment, once it is known.
        verdict: ``faster`` or ``slower`` if ``adjusted`` is below 5 % and the ratio is at least
            3 % from 1; else ``no evidence``.
        replicates: Logarithms of the ratio as it could have come out, of each resample.
    """

    ratio: float
    low: float | Absent
    high: float | Absent
    p_value: float | Absent
    replicates: Floats
    adjusted: float | Absent = _NOT_ADJUSTED
    verdict: Verdict = "no evidence"

    def p_above(self, limit: float) -> float:
        """Probability of such a ratio or a larger one if it were ``limit`` at most; one-sided."""
        below = int((self.replicates <= math.log(limit)).sum())
        return (below + 1) / (len(self.replicates) + 1)

    def p_below(self, limit: float) -> float:
        """The same of such a ratio or a smaller one if it were ``limit`` at least."""
        above = int((self.replicates >= math.log(limit)).sum())
        return (above + 1) / (len(self.replicates) + 1)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of a comparison."""
        return {
            "ratio": self.ratio,
            "low": to_json(self.low),
            "high": to_json(self.high),
            "p_value": to_json(self.p_value),
            "p_adjusted": to_json(self.adjusted),
            "verdict": self.verdict,
        }


def compare_rounds(
    base: Sequence[npt.ArrayLike],
    new: Sequence[npt.ArrayLike],
    percentile: float = 50.0,
    seed: int = _SEED,
) -> Comparison:
    """Compare the latencies of two sets of processes.

    The latency of a set is the geometric mean of its processes' medians, or of another percentile.
    Other work on a machine only ever adds to a latency, so that a low percentile is what is left of
    it (Chen and Revels, arXiv 1608.04295, go as far as the minimum).

    Args:
        base: Latencies of each process, any unit.
        new: Likewise, the same unit.
        percentile: Of each process's latencies.
        seed: The same seed gives the same interval.

    Raises:
        ValueError: A set has no process, or a process has no latency.
    """
    random = np.random.default_rng(seed)
    share = percentile / 100
    center = float(log_quantiles(new, share).mean() - log_quantiles(base, share).mean())
    few = too_few(len(base), len(new))
    if few is not None:
        return Comparison(math.exp(center), few, few, few, np.zeros(0))
    drawn = _resampled(new, share, random) - _resampled(base, share, random)
    return comparison_of(center, center + _expansion(len(base), len(new)) * (drawn - center))


def too_few(base: int, new: int) -> Absent | None:
    """Why so many processes of each side give no verdict; None if they do."""
    fewest = min(base, new)
    if fewest >= MINIMUM_ROUNDS:
        return None
    return Absent(f"a verdict needs {MINIMUM_ROUNDS} rounds of each, there are {fewest}")


def comparison_of(center: float, replicates: Floats) -> Comparison:
    """Return the comparison whose ratio has this logarithm and could have come out like these."""
    low, high = np.percentile(replicates, [2.5, 97.5])
    on_the_other_side = min(int((replicates <= 0).sum()), int((replicates >= 0).sum()))
    p_value = min(1.0, 2 * (on_the_other_side + 1) / (len(replicates) + 1))
    return Comparison(math.exp(center), math.exp(low), math.exp(high), p_value, replicates)


def with_verdicts(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Adjust for the number of comparisons and judge each."""
    known = [c.p_value for c in comparisons if not isinstance(c.p_value, Absent)]
    adjusted = iter(holm(known))
    return tuple(
        replace(c, adjusted=c.p_value)
        if isinstance(c.p_value, Absent)
        else _judged(c, next(adjusted))
        for c in comparisons
    )


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjust p-values so that the chance of any false finding stays below the level.

    The k-th smallest of m, counted from 0, is multiplied by m - k, and none is below one before it.

    Examples:
        >>> holm([0.5, 0.125, 0.25])
        (0.5, 0.375, 0.5)
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return tuple(adjusted)


def _judged(comparison: Comparison, adjusted: float) -> Comparison:
    verdict: Verdict = "no evidence"
    if adjusted < ALPHA:
        # Alike in both directions: 3 % slower is 1 / 1.03 the other way round.
        if comparison.ratio >= 1 + MINIMUM_EFFECT:
            verdict = "slower"
        elif comparison.ratio <= 1 / (1 + MINIMUM_EFFECT):
            verdict = "faster"
    return replace(comparison, adjusted=adjusted, verdict=verdict)


def log_quantiles(rounds: Sequence[npt.ArrayLike], share: float) -> Floats:
    """Logarithm of a quantile of each round, ``[rounds]``; ``ValueError`` if there is none."""
    if not rounds:
        raise ValueError("there is no round to compare")
    return np.array([math.log(_quantile(item, share)) for item in rounds])


def _quantile(samples: npt.ArrayLike, share: float) -> float:
    found = np.asarray(samples, np.float64)
    if found.ndim != 1 or not found.size or found.min() <= 0:
        raise ValueError(f"a round needs latencies above 0, [N], not {found.shape}")
    return float(np.quantile(found, share))


def _resampled(
    rounds: Sequence[npt.ArrayLike], share: float, random: np.random.Generator
) -> Floats:
    """The level of each resample, ``[R]``: of processes, then of frames within each.

    The k-th of m draws from m sorted values is the value at rank m U, where U, the k-th of m
    uniform numbers, has the distribution Beta(k, m + 1 - k): nothing has to be drawn frame by
    frame. The median is that of k = (m + 1) / 2.
    """
    count = len(rounds)
    chosen = random.integers(0, count, (REPLICATES, count))
    drawn = np.empty((REPLICATES, count))
    for index, item in enumerate(rounds):
        ordered = np.sort(np.asarray(item, np.float64))
        places = chosen == index
        rank = 1 + share * (len(ordered) - 1)
        ranks = random.beta(rank, len(ordered) + 1 - rank, int(places.sum())) * len(ordered)
        drawn[places] = ordered[np.minimum(ranks.astype(np.int64), len(ordered) - 1)]
    return np.asarray(np.log(drawn).mean(axis=1), np.float64)


def _expansion(base: int, new: int) -> float:
    """How much wider an interval must be than the bootstrap makes it, by the smaller set."""
    fewest = min(base, new)
    return math.sqrt(fewest / (fewest - 1)) * _student(fewest - 1) / _NORMAL_975


def _student(degrees: int) -> float:
    """The 97.5 % point of Student's distribution (Abramowitz and Stegun, 26.7.5, two terms)."""
    if degrees <= len(_STUDENT_975):
        return _STUDENT_975[degrees - 1]
    z = _NORMAL_975
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / degrees + second / degrees**2
