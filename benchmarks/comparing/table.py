"""Compared reports as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.absent import Absent
from benchmarks.comparing.reports import Change, Named, drift, explained, machine_moves
from benchmarks.reporting.cells import DASH, number_cell
from benchmarks.reporting.table import numbers_right

__all__ = ["changes_text"]


def changes_text(
    named: Sequence[Named], changes: Sequence[Change], verdicts: Sequence[str], what: str
) -> str:
    """Return a line for each change, and below what must be known to read it.

    Args:
        named: The reports, the base first.
        changes: As compared.
        verdicts: A word for each.
        what: What was compared, in words.
    """
    adjusted = any(not isinstance(change.machine, Absent) for change in changes)
    ratio = ("ratio", "adjusted") if adjusted else ("ratio",)
    head = ("configuration", "report", "base ms", "ms", *ratio, "95 % interval", "p", "verdict")
    rows = [
        (
            change.name,
            change.new.name,
            f"{change.base_ms:.3f}",
            f"{change.new_ms:.3f}",
            f"{change.unadjusted.ratio:.3f}",
            *([_adjusted(change)] if adjusted else []),
            _interval(change),
            number_cell(change.comparison.adjusted, 4),
            verdict,
        )
        for change, verdict in zip(changes, verdicts, strict=True)
    ]
    notes = [
        f"Base: {named[0].path}. Ratio: {what} of the report over that of the base, the geometric "
        "mean over processes; above 1 is slower.",
        *_about_adjusting(changes),
        f"The interval is of each line alone; p is adjusted for all {len(changes)} (Holm).",
    ]
    reasons = {
        change.comparison.p_value.reason: None
        for change in changes
        if isinstance(change.comparison.p_value, Absent)
    }
    notes += [f"Absent: {reason}." for reason in reasons]
    told = [*machine_moves(changes), *drift(changes), *explained(named)]
    return "\n".join([numbers_right(head, rows), "", *notes, *told])


def _about_adjusting(changes: Sequence[Change]) -> list[str]:
    """What the adjusted ratio is, or why there is none."""
    notes = []
    if any(not isinstance(change.machine, Absent) for change in changes):
        notes.append(
            "Adjusted: the same without the machine's own speed, which each process told by its "
            "probe; interval, p and verdict are of this."
        )
    reasons = {
        change.machine.reason: None for change in changes if isinstance(change.machine, Absent)
    }
    notes += [
        f"Not adjusted for the machine's own speed, so less sharp: {reason}." for reason in reasons
    ]
    return notes


def _adjusted(change: Change) -> str:
    return DASH if isinstance(change.machine, Absent) else f"{change.comparison.ratio:.3f}"


def _interval(change: Change) -> str:
    low, high = change.comparison.low, change.comparison.high
    if isinstance(low, Absent) or isinstance(high, Absent):
        return DASH
    return f"{low:.3f} to {high:.3f}"
