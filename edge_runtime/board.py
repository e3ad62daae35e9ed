"""What a board tells of itself."""

from __future__ import annotations

import contextlib
from pathlib import Path

__all__ = ["temperature_celsius"]

_PLAUSIBLE = (-40.0, 150.0)


def temperature_celsius(zones: Path = Path("/sys/class/thermal")) -> float | None:
    """Return the temperature of the hottest thermal zone; None where there is none to read."""
    temperatures = []
    for path in zones.glob("thermal_zone*/temp"):
        with contextlib.suppress(OSError, ValueError):
            value = int(path.read_text()) / 1000
            if _PLAUSIBLE[0] < value < _PLAUSIBLE[1]:
                temperatures.append(value)
    return max(temperatures, default=None)
