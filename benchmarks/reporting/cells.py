"""Cells of the tables, alike in every report."""

from __future__ import annotations

from benchmarks.absent import Absent

__all__ = ["DASH", "number_cell"]

DASH = "-"
"""Stands where there is nothing to say; the reason for it is said below the table."""


def number_cell(value: float | Absent, digits: int, unit: float = 1.0, absent: str = DASH) -> str:
    """Return a figure with so many decimals.

    Args:
        value: The figure.
        digits: Decimals, 0 or more.
        unit: What it is divided by, such as the bytes of a MiB.
        absent: Stands where there is no figure.
    """
    return absent if isinstance(value, Absent) else f"{value / unit:.{digits}f}"
