"""What a board tells of itself."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["THROTTLE_BITS", "temperature_celsius", "throttled_bits"]

THROTTLE_BITS = {0: "too little voltage", 1: "frequency capped", 2: "throttled", 3: "too hot"}
"""Bit of :func:`throttled_bits` -> what is so now; 16 bits higher: what was so since the start."""

_PLAUSIBLE = (-40.0, 150.0)
_FLAGS = "sys/devices/platform/soc/soc:firmware/get_throttled"


def temperature_celsius(zones: Path = Path("/sys/class/thermal")) -> float | None:
    """Return the temperature of the hottest thermal zone; None where there is none to read."""
    temperatures = []
    for path in zones.glob("thermal_zone*/temp"):
        with contextlib.suppress(OSError, ValueError):
            if not path.is_file():
                continue  # a pipe would be waited for
            value = int(path.read_text()) / 1000
            if _PLAUSIBLE[0] < value < _PLAUSIBLE[1]:
                temperatures.append(value)
    return max(temperatures, default=None)


def throttled_bits(
    read: Callable[[str], str | None],
    run: Callable[[Sequence[str]], tuple[int, str, str] | None],
) -> int | None:
    """Return what the firmware of a Raspberry Pi says about voltage and throttling.

    Args:
        read: Gives the text of a file below the root directory, or None.
        run: Runs a command and gives its exit status, output and errors, or None.

    Returns:
        See :data:`THROTTLE_BITS`; None where there is no such firmware.
    """
    text = read(_FLAGS)
    if text is None:
        ended = run(["vcgencmd", "get_throttled"])
        text = ended[1] if ended is not None and ended[0] == 0 else ""
    found = re.fullmatch(r"(?:throttled=0x|0x)?([0-9a-fA-F]{1,8})", text)
    return int(found.group(1), 16) if found else None
