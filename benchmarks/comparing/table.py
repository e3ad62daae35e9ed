"""Compared reports as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.absent import Absent
from benchmarks.comparing.reports import Change, Named, drift, explained
from benchmarks.reporting.table import numbers_right

__all__ = ["changes_text"]

_DASH = "-"


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
    head = ("configuration", "report", "base ms", "ms", "ratio", "95 % interval", "p", "verdict")
    rows = [
        (
            change.name,
            change.new.name,
            f"{change.base_ms:.3f}",
            f"{change.new_ms:.3f}",
            f"{change.comparison.ratio:.3f}",
            _interval(change),
            _p_value(change.comparison.adjusted),
            verdict,
        )
        for change, verdict in zip(changes, verdicts, strict=True)
    ]
    notes = [
        f"Base: {named[0].path}. Ratio: {what} of the report over that of the base, the geometric "
        "mean over processes; above 1 is slower.",
        f"The interval is of each line alone; p is adjusted for all {len(changes)} (Holm).",
    ]
    reasons = {
        change.comparison.p_value.reason: None
        for change in changes
        if isinstance(change.comparison.p_value, Absent)
    }
    notes += [f"Absent: {reason}." for reason in reasons]
    return "\n".join([numbers_right(head, rows), "", *notes, *drift(changes), *explained(named)])


def _interval(change: Change) -> str:
    low, high = change.comparison.low, change.comparison.high
    if isinstance(low, Absent) or isinstance(high, Absent):
        return _DASH
    return f"{low:.3f} to {high:.3f}"


def _p_value(found: float | Absent) -> str:
    return _DASH if isinstance(found, Absent) else f"{found:.4f}"
