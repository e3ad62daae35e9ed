"""What a process takes of the machine, and what all others take meanwhile."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.absent import Absent, or_absent, to_json
from benchmarks.sensors.process_memory import proportional_memory, resident_memory

__all__ = ["ProcessSensors", "Usage"]

_TICKS = os.sysconf("SC_CLK_TCK")
# Columns of the line "cpu" of /proc/stat in which a processor does nothing.
_IDLE, _WAITING, _GUEST = 3, 4, 8
_UTIME, _STIME = 11, 12  # of /proc/PID/stat, counted behind the name in parentheses
_FIRST = Absent("there is no earlier reading to count from")


@dataclass(frozen=True)
class Usage:
    """What a process took since the reading before.

    Attributes:
        processors: Processors that it kept busy on average, 1.0 for one.
        other_processors: Those that everything else kept busy, other virtual machines included
            where the kernel tells (steal).
        resident_bytes: Resident memory (RSS).
        proportional_bytes: Memory with shared pages divided among their users (PSS).
    """

    processors: float | Absent
    other_processors: float | Absent
    resident_bytes: int | Absent
    proportional_bytes: int | Absent

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {name: to_json(value) for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Usage:
        """Build from a JSON object; ``ValueError`` or ``KeyError`` says what is wrong with it."""
        return cls(
            or_absent(record["processors"], float),
            or_absent(record["other_processors"], float),
            or_absent(record["resident_bytes"], int),
            or_absent(record["proportional_bytes"], int),
        )


class ProcessSensors:
    """Reads a process from outside, so that it is not disturbed.

    Args:
        pid: The process.
        proc: Where the kernel's process files are.
    """

    def __init__(self, pid: int, proc: Path = Path("/proc")) -> None:
        self._folder = proc / str(pid)
        self._stat = proc / "stat"
        self._before: tuple[float, float | Absent, float | Absent] | None = None

    def read(self) -> Usage:
        """Return what the process took since the last call; never raises."""
        now, own, busy = time.monotonic(), self._own_seconds(), self._busy_seconds()
        before, self._before = self._before, (now, own, busy)
        processors = _rate(before, now, own, 1)
        all_processors = _rate(before, now, busy, 2)
        others: float | Absent = all_processors
        if not isinstance(processors, Absent) and not isinstance(all_processors, Absent):
            others = max(0.0, all_processors - processors)
        elif isinstance(processors, Absent):
            others = processors
        return Usage(
            processors=processors,
            other_processors=others,
            resident_bytes=resident_memory(self._folder / "status"),
            proportional_bytes=proportional_memory(self._folder / "smaps_rollup"),
        )

    def _own_seconds(self) -> float | Absent:
        try:
            fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
            return (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS
        except (OSError, ValueError, IndexError):
            return Absent("the kernel does not tell the process's time")

    def _busy_seconds(self) -> float | Absent:
        try:
            line = self._stat.read_text().splitlines()[0].split()
            # Guests are in "user" already.
            counts = [int(word) for word in line[1 : 1 + _GUEST]]
            idle = counts[_IDLE] + counts[_WAITING]
        except (OSError, ValueError, IndexError):
            return Absent("the kernel does not tell the machine's time")
        return (sum(counts) - idle) / _TICKS


def _rate(
    before: tuple[float, float | Absent, float | Absent] | None,
    now: float,
    seconds: float | Absent,
    place: int,
) -> float | Absent:
    """Processors since the reading before, of a count of seconds."""
    if isinstance(seconds, Absent):
        return seconds
    if before is None or now <= before[0]:
        return _FIRST
    earlier = before[place]
    return earlier if isinstance(earlier, Absent) else (seconds - earlier) / (now - before[0])
