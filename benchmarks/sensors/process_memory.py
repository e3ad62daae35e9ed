"""Memory of this process as the kernel counts it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.absent import Absent

__all__ = ["peak_memory", "proportional_memory", "resident_memory"]

_STATUS = Path("/proc/self/status")
_ROLLUP = Path("/proc/self/smaps_rollup")


def resident_memory(status: Path = _STATUS) -> int | Absent:
    """Return the resident memory now (VmRSS) in bytes."""
    return _field("VmRSS", status)


def peak_memory(status: Path = _STATUS) -> int | Absent:
    """Return the most resident memory since this program was started (VmHWM) in bytes.

    Not ``getrusage``: its peak survives exec, so a child would begin with its parent's.
    """
    return _field("VmHWM", status)


def proportional_memory(rollup: Path = _ROLLUP) -> int | Absent:
    """Return the memory now with each shared page divided among its users (PSS) in bytes."""
    return _field("Pss", rollup)


def _field(name: str, status: Path) -> int | Absent:
    try:
        lines = status.read_text().splitlines()
    except OSError as error:
        return Absent(f"{status} cannot be read ({error.strerror})")
    for line in lines:
        key, _, value = line.partition(":")
        number, _, unit = value.strip().partition(" ")
        if key == name and number.isdigit() and unit == "kB":
            return int(number) * 1024
    return Absent(f"{status} has no field {name}")
