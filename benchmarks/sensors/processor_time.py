"""Processor time of a process as the kernel counts it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.absent import Absent

__all__ = ["processor_seconds"]


def processor_seconds(process: Path = Path("/proc/self")) -> float | Absent:
    """Return the seconds that all living threads of a process have computed so far.

    Finer than the hundredths of ``/proc/PID/stat``: nanoseconds of ``schedstat``.

    Args:
        process: Its folder in ``/proc``.
    """
    seconds = 0.0
    try:
        for task in (process / "task").iterdir():
            seconds += int((task / "schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError, IndexError) as error:
        return Absent(f"{process} does not tell ({error})")
    return seconds
