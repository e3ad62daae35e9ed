"""The same comparison with the machine's own speed taken out, as the probe of each process tells.

The luck of a process (its hyperthread, what the neighbours compute, the clock) is in its latency
and in its machine-speed probe (``benchmarks/probe.py``) alike. The probe is a control variate
(Lavenberg and Welch, Management Science 27, 1981; in comparisons CUPED, Deng et al., WSDM 2013):

    adjusted difference = (mean new - mean base) - slope (mean new probe - mean base probe)

of logarithms. The slope says by how many per cent a latency differs where the probe differs by one;
it is the regression within both sets together, so that what is compared has no part in it. That is
the analysis of covariance, and its interval is Student's with two degrees of freedom less than
there are processes, less one for the slope (Cochran, Biometrics 13, 1957):

    error^2 = s^2 (1 / processes of base + 1 / processes of new + probe difference^2 / Sxx)

Three things keep it honest. The last summand widens the interval where the probe hardly varies and
the slope is badly known. A machine that changed *between* the sets by more than its processes
differ within them changed for another reason (a clock that was throttled instead of a neighbour),
of which the slope within tells nothing; the natural one is 1, both slow down alike. The interval
covers either, for what of the probe's difference is beyond its standard error. And outliers make
``s`` large: they cost evidence and never make it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.comparing.comparison import (
    REPLICATES,
    Comparison,
    Floats,
    comparison_of,
    log_quantiles,
    too_few,
)

__all__ = ["Adjusted", "adjust"]

_SEED = 0
# Of the sum of squares of logarithms: what rounding leaves of equal times, and less than what one
# nanosecond of a probe's makes.
_RESOLUTION = 1e-12


@dataclass(frozen=True)
class Adjusted:
    """A comparison without the machine's part in it.

    Attributes:
        comparison: Of the latencies, the machine's own speed taken out.
        machine: Ratio of the probes, new over base: above 1 the machine itself was slower.
        slope: Per cent of latency for one per cent of the probe.
    """

    comparison: Comparison
    machine: float
    slope: float


def adjust(
    base: tuple[Sequence[npt.ArrayLike], Sequence[npt.ArrayLike]],
    new: tuple[Sequence[npt.ArrayLike], Sequence[npt.ArrayLike]],
    percentile: float = 50.0,
    seed: int = _SEED,
) -> Adjusted:
    """Compare the latencies of two sets of processes, adjusted for the machine's speed.

    Args:
        base: Latencies of each process, and the times of the probe in the same processes.
        new: Likewise, the same units.
        percentile: Of each process's latencies, and of its probe's times.
        seed: The same seed gives the same interval.

    Raises:
        ValueError: The sets hold no process, a process has no time, or processes are not paired.
    """
    share = percentile / 100
    (base_y, base_x), (new_y, new_x) = (
        [log_quantiles(rounds, share) for rounds in pair] for pair in (base, new)
    )
    if len(base_y) != len(base_x) or len(new_y) != len(new_x):
        raise ValueError("every process needs its latencies and its probe's times")
    counts = len(base_y), len(new_y)
    difference = float(new_y.mean() - base_y.mean())
    machine = float(new_x.mean() - base_x.mean())
    x, y = _within(base_x, new_x), _within(base_y, new_y)
    spread = float(x @ x)
    # A probe that is the same everywhere says nothing; then nothing is taken out.
    varies = spread > _RESOLUTION
    slope = float(x @ y) / spread if varies else 0.0
    center = difference - slope * machine
    few = too_few(*counts)
    if few is not None:
        unknown = Comparison(math.exp(center), few, few, few, np.zeros(0))
        return Adjusted(unknown, math.exp(machine), slope)
    degrees = sum(counts) - 3
    variance = float((y - slope * x) @ (y - slope * x)) / degrees
    share_of_means = sum(1 / count for count in counts)
    leverage = machine**2 / spread if varies else 0.0
    error = math.sqrt(variance * (share_of_means + leverage))
    by_chance = math.sqrt(spread / (degrees + 1) * share_of_means)
    beyond = abs(1 - slope) * max(0.0, abs(machine) - by_chance)
    drawn = np.random.default_rng(seed).standard_t(degrees, REPLICATES)
    replicates = center + error * drawn + np.copysign(beyond, drawn)
    return Adjusted(comparison_of(center, replicates), math.exp(machine), slope)


def _within(base: Floats, new: Floats) -> Floats:
    """Differences from the mean of the own set, of both sets."""
    return np.concatenate([base - base.mean(), new - new.mean()])
