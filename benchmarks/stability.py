"""Whether a report's figures can be relied on, in plain words.

Each sentence names what is wrong and what to do, once for all configurations of which it is true.
A report without a finding is called stable, which says that it agrees with itself, not that the
machine was quiet at another time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from benchmarks.statistics import MINIMUM_EFFECT, MINIMUM_ROUNDS
from benchmarks.summary import round_medians
from benchmarks.worker import Round

__all__ = ["Finding", "findings_of_machine", "findings_of_rounds", "steady_from", "told"]

# Of the level that the last half of a process's frames has.
_STEADY = 1.05
_WINDOWS = 20
# Between the quartiles of the processes' medians, as a share of their median.
_DISAGREEMENT = 0.10
_BUSY_SHARE = 0.5
# More configurations than these are counted instead of named.
_NAMED = 4

Kind = Literal["few", "warming", "disagree", "slower", "faster"]
_TREND = (
    "from the first processes to the last, beyond chance: let the machine cool down, or wait until "
    "other work has ended."
)
_SENTENCES: dict[Kind, str] = {
    "few": "too few to tell chance from change; give --rounds {minimum} or more.",
    "warming": "so many timed frames of a process are still slower than the rest; give --warmup "
    "{warmup}.",
    "disagree": "half of the processes' medians lie so far apart; end other work on the machine, "
    "or give more --rounds.",
    "slower": f"became so much slower {_TREND}",
    "faster": f"became so much faster {_TREND}",
}


@dataclass(frozen=True)
class Finding:
    """What makes the inference times of one configuration unreliable.

    Attributes:
        kind: Too ``few`` processes, frames that still are ``warming`` up, processes that
            ``disagree``, or that became ``slower`` or ``faster``.
        value: How many processes or frames; else the share by which they differ.
        machine: How much of it the machine-speed probes of the processes tell, 0 to 1: that is
            luck of the machine, which ``bench compare`` takes out.
    """

    kind: Kind
    value: float
    machine: float = 0.0

    @property
    def figure(self) -> str:
        """The value for people."""
        units = {"few": ("process", "processes"), "warming": ("frame", "frames")}.get(self.kind)
        if units is None:
            return f"{self.value:.0%}"
        return f"{self.value:.0f} {units[self.value != 1]}"

    @property
    def told(self) -> str:
        """The value for people, with what is the machine's part in it."""
        part = f", {self.machine:.0%} of it the machine's by its probe" if self.machine else ""
        return f"{self.figure}{part}"


def steady_from(samples: npt.ArrayLike) -> int:
    """How many leading frames still were slower than what the process came to.

    The level is the median of the last half. A leading window of a twentieth of the frames whose
    median is more than 5 % above it is not steady yet; the first that is not ends the search, so
    that a slow moment in the middle is no warming up.

    Args:
        samples: Latencies of one process in order, ``[N]``, any unit.

    Returns:
        Number of frames, 0 to N / 2.

    Examples:
        >>> steady_from([9.0, 7.0, 5.0] + [4.0] * 17)
        3
    """
    latencies = np.asarray(samples, np.float64)
    half = len(latencies) // 2
    level = float(np.median(latencies[half:]))
    window = max(1, len(latencies) // _WINDOWS)
    steady = 0
    while steady < half:
        if np.median(latencies[steady : steady + window]) <= _STEADY * level:
            return steady
        steady = min(half, steady + window)
    return steady


def told(found: Mapping[str, Sequence[Finding]], warmup: int) -> list[str]:
    """Say what was found, in one sentence for each kind.

    Args:
        found: Name of each configuration -> what was found of it, maybe nothing.
        warmup: Frames that were not counted.
    """
    sentences = []
    for kind, sentence in _SENTENCES.items():
        holders = {
            name: item for name, findings in found.items() for item in findings if item.kind == kind
        }
        if holders:
            most = max(item.value for item in holders.values())
            text = sentence.format(minimum=MINIMUM_ROUNDS, warmup=warmup + 2 * int(most))
            sentences.append(f"{_who(holders, len(found))}: {text}")
    return sentences


def _who(holders: Mapping[str, Finding], count: int) -> str:
    """Name configurations with their figures, or count them if they are many."""
    if len(holders) <= _NAMED:
        return ", ".join(f"{name} ({item.told})" for name, item in holders.items())
    ordered = sorted(holders.values(), key=lambda item: item.value)
    least, most = ordered[0].figure, ordered[-1].figure
    how_many = "all" if len(holders) == count else f"{len(holders)} of"
    return f"{how_many} {count} configurations ({least if least == most else f'{least} to {most}'})"


def findings_of_rounds(rounds: Sequence[Round]) -> list[Finding]:
    """What makes the inference times of one configuration unreliable.

    Args:
        rounds: Its processes.
    """
    found = []
    if len(rounds) < MINIMUM_ROUNDS:
        found.append(Finding("few", len(rounds)))
    unsteady = int(median(steady_from(item.inference_ns) for item in rounds))
    if unsteady:
        found.append(Finding("warming", unsteady))
    medians = np.array(round_medians(rounds))
    low, high = np.percentile(medians, [25, 75])
    spread = (high - low) / np.median(medians)
    if spread > _DISAGREEMENT:
        found.append(Finding("disagree", spread, _told_by_probes(rounds)))
    trend = _trend(medians)
    if abs(trend) > MINIMUM_EFFECT:
        found.append(Finding("slower" if trend > 0 else "faster", abs(trend)))
    return found


def _told_by_probes(rounds: Sequence[Round]) -> float:
    """Share of the variance of the processes' medians that goes with that of their probes.

    Of logarithms, by the straight line between them, less what any line would take (the adjusted
    coefficient of determination); 0 with fewer than six processes or without probes.
    """
    if len(rounds) < MINIMUM_ROUNDS or not all(item.probe_ns for item in rounds):
        return 0.0
    level, probe = (
        np.log([median(item.stage_ns(stage)) for item in rounds])
        for stage in ("inference", "probe")
    )
    if np.ptp(probe) == 0:
        return 0.0
    left = 1 - np.corrcoef(level, probe)[0, 1] ** 2
    return max(0.0, float(1 - left * (len(rounds) - 1) / (len(rounds) - 2)))


def findings_of_machine(machine: dict[str, Any]) -> list[str]:
    """What makes all figures unreliable, from the conditions before the measurement."""
    load, processors = machine.get("load_average"), machine.get("processors_usable")
    if not isinstance(load, int | float) or not isinstance(processors, int):
        return []
    if load <= _BUSY_SHARE * processors:
        return []
    return [
        f"the machine was busy before anything was measured (load {load:g} on {processors} "
        "processors); end other work."
    ]


def _trend(medians: npt.NDArray[np.float64]) -> float:
    """Change from the first to the last process, as a share; 0 if it may be chance.

    Of fewer than six it always may be.

    By the test of Mann (Econometrica 13, 1945) on the order of the medians, at 1 %, two-sided, and
    the line through the median of all slopes (Sen, JASA 63, 1968).
    """
    count = len(medians)
    first, second = np.triu_indices(count, 1)
    steps = medians[second] - medians[first]
    score = float(np.sign(steps).sum())
    deviation = np.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    if abs(score) - 1 <= 2.576 * deviation:
        return 0.0
    slope = float(np.median(steps / (second - first)))
    return slope * (count - 1) / float(np.median(medians))
