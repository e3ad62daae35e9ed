"""Two or more reports side by side: every configuration that they share, and what it means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from benchmarks.absent import Absent, to_json
from benchmarks.comparing.adjustment import Adjusted, adjust
from benchmarks.comparing.comparison import (
    ALPHA,
    Comparison,
    compare_rounds,
    holm,
    with_verdicts,
)
from benchmarks.comparing.compatibility import check_comparable, differences, pairs_of
from benchmarks.report import Report, Result, read_report
from benchmarks.statistics import MINIMUM_EFFECT
from edge_runtime.errors import UsageError

__all__ = [
    "Change",
    "Limit",
    "Named",
    "Stage",
    "compare_reports",
    "drift",
    "explained",
    "judge",
    "machine_moves",
    "open_reports",
]

Stage = Literal["preprocess", "inference", "total"]
Limit = Literal["within", "regressed", "undecided"]
_NANOSECONDS_PER_MS = 1e6
# Configurations that must move together before it is called a drift of the machine.
_DRIFTING = 3


@dataclass(frozen=True)
class Named:
    """A report with the file that it came from."""

    path: Path
    report: Report


@dataclass(frozen=True)
class Change:
    """A configuration in the base and in another report.

    Attributes:
        name: Of the configuration.
        new: File of the other report.
        base_ms: The base's latency: geometric mean of its processes' percentiles, milliseconds.
        new_ms: The other's.
        comparison: The ratio and what it is worth, the machine's own speed taken out if
            ``machine`` is known.
        unadjusted: The same of the latencies as they are.
        machine: The machine-speed probe beside the new report over that beside the base: above 1
            the machine itself was slower. Absent with the reason why nothing is taken out.
    """

    name: str
    new: Path
    base_ms: float
    new_ms: float
    comparison: Comparison
    unadjusted: Comparison
    machine: float | Absent

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the comparison.

        Also ``configuration`` (its name) and ``file`` (name of the other report's file).
        """
        return {
            "configuration": self.name,
            "file": self.new.name,
            "base_ms": self.base_ms,
            "new_ms": self.new_ms,
            **self.comparison.to_json(),
            "machine": to_json(self.machine),
            "unadjusted": self.unadjusted.to_json(),
        }


def open_reports(paths: Sequence[Path]) -> list[Named]:
    """Read reports, the base first, and refuse what cannot be compared with it.

    Raises:
        ArtifactError: A file is no report.
        UsageError: Two are of different machines or different work.
    """
    named = [Named(path, read_report(path)) for path in paths]
    for other in named[1:]:
        check_comparable(named[0].report, named[0].path, other.report, other.path)
    return named


def compare_reports(
    named: Sequence[Named], stage: Stage, percentile: float = 50.0
) -> tuple[Change, ...]:
    """Compare every configuration that the base shares with each other report.

    Verdicts are adjusted for the number of all these comparisons together.

    Args:
        named: The reports, the base first.
        stage: What is compared.
        percentile: Of each process's latencies.

    Raises:
        UsageError: They share none.
    """
    base, *others = named
    pairs = [
        (other.path, before, after)
        for other in others
        for before, after in pairs_of(base.report, other.report)
    ]
    if not pairs:
        raise UsageError(
            f"{base.path} shares no configuration with the other reports; measure the same "
            "engines, maps, threads and input sizes."
        )
    unadjusted = [
        compare_rounds(_rounds(before, stage), _rounds(after, stage), percentile)
        for _, before, after in pairs
    ]
    adjusted = [_adjusted(before, after, stage, percentile) for _, before, after in pairs]
    machine = [one if isinstance(one, Absent) else one.machine for one in adjusted]
    compared = [
        raw if isinstance(one, Absent) else one.comparison
        for one, raw in zip(adjusted, unadjusted, strict=True)
    ]
    return tuple(
        Change(
            max(before.configuration.name, after.configuration.name, key=len),
            path,
            _level_ms(before, stage, percentile),
            _level_ms(after, stage, percentile),
            comparison,
            raw,
            moved,
        )
        for (path, before, after), comparison, raw, moved in zip(
            pairs, with_verdicts(compared), with_verdicts(unadjusted), machine, strict=True
        )
    )


def judge(changes: Sequence[Change], limit: float) -> tuple[Limit, ...]:
    """Whether each change stays below a limit, such as 1.05 for five per cent.

    ``regressed``: the ratio is above the limit beyond chance (Holm over all changes, 5 %).
    ``within``: it is below the limit beyond chance, likewise. Else the samples do not tell.
    """
    known = [c.comparison for c in changes if not isinstance(c.comparison.p_value, Absent)]
    above = iter(holm([comparison.p_above(limit) for comparison in known]))
    below = iter(holm([comparison.p_below(limit) for comparison in known]))
    verdicts: list[Limit] = []
    for change in changes:
        verdict: Limit = "undecided"
        if not isinstance(change.comparison.p_value, Absent):
            regressed, within = next(above) < ALPHA, next(below) < ALPHA
            verdict = "regressed" if regressed else "within" if within else "undecided"
        verdicts.append(verdict)
    return tuple(verdicts)


def drift(changes: Sequence[Change]) -> list[str]:
    """Where every configuration of a report moved alike, the machine may have: a sentence each."""
    sentences = []
    for path in dict.fromkeys(change.new for change in changes):
        moved = [change.comparison for change in changes if change.new == path]
        directions = {comparison.verdict for comparison in moved}
        if len(moved) < _DRIFTING or len(directions) > 1 or "no evidence" in directions:
            continue
        ratio = math.exp(sum(math.log(comparison.ratio) for comparison in moved) / len(moved))
        if all(abs(math.log(c.ratio / ratio)) < MINIMUM_EFFECT for c in moved):
            sentences.append(
                f"All configurations of {path.name} are {directions.pop()} by the same factor, "
                f"{ratio:.3f}: look for what the machine did (heat, other work) before you blame "
                "the software."
            )
    return sentences


def machine_moves(changes: Sequence[Change]) -> list[str]:
    """Where the machine itself had another speed, and what came of it: a sentence each."""
    sentences = []
    for path in dict.fromkeys(change.new for change in changes):
        moved = [
            math.log(change.machine)
            for change in changes
            if change.new == path and not isinstance(change.machine, Absent)
        ]
        ratio = math.exp(sum(moved) / len(moved)) if moved else 1.0
        slower = max(ratio, 1 / ratio) - 1
        if slower >= MINIMUM_EFFECT:
            sentences.append(
                f"The machine itself was {slower:.0%} {'slower' if ratio > 1 else 'faster'} in "
                f"{path.name}, by its probe; that is taken out of the adjusted ratio."
            )
    sentences += [
        f"{change.name}, {change.new.name}: {change.unadjusted.verdict} by "
        f"{change.unadjusted.ratio:.3f} as measured, but {change.comparison.verdict} without the "
        "machine's part."
        for change in changes
        if change.unadjusted.verdict not in ("no evidence", change.comparison.verdict)
    ]
    return sentences


def explained(named: Sequence[Named]) -> list[str]:
    """What else differs between the base and each other report."""
    return [
        f"differs from {named[0].path.name} to {other.path.name}: {difference}"
        for other in named[1:]
        for difference in differences(named[0].report, other.report)
    ]


def _rounds(result: Result, stage: str) -> list[npt.NDArray[np.int64]]:
    """Nanoseconds of each process."""
    return [item.stage_ns(stage) for item in result.rounds]


def _adjusted(before: Result, after: Result, stage: Stage, percentile: float) -> Adjusted | Absent:
    """The comparison without the machine's own speed, or why that is not known of both sides."""
    works = {item.probe for result in (before, after) for item in result.rounds}
    for work in works:
        if isinstance(work, Absent):
            return work
    if len(works) > 1:
        return Absent(f"the probes are of different code ({'; '.join(sorted(map(str, works)))})")
    return adjust(
        (_rounds(before, stage), _rounds(before, "probe")),
        (_rounds(after, stage), _rounds(after, "probe")),
        percentile,
    )


def _level_ms(result: Result, stage: Stage, percentile: float) -> float:
    levels = [np.percentile(found, percentile) for found in _rounds(result, stage)]
    return float(np.exp(np.mean(np.log(levels)))) / _NANOSECONDS_PER_MS
