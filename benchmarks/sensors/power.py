"""The power that a board takes, by whatever can measure it here.

In the order of preference: a file that a meter's program keeps up to date, the power chip of a
Raspberry Pi 5, and a power monitor that the kernel knows (hwmon, such as an INA219 in the supply).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.absent import Absent
from edge_runtime.doctor import System
from edge_runtime.errors import SourceError

__all__ = ["PowerMeter", "find_power", "rails_watts"]

_HWMON = "sys/class/hwmon/hwmon*/power1_input"
_MICROWATTS = 1e-6
_PLAUSIBLE = (0.0, 1000.0)
_NONE_HERE = Absent(
    "no power meter: not a Raspberry Pi 5, no power monitor in the kernel, and no --meter given"
)


@dataclass(frozen=True)
class PowerMeter:
    """A way to read the power.

    Attributes:
        name: What it measures, for people.
        read: Returns watts, or Absent if it fails this time.
    """

    name: str
    read: Callable[[], float | Absent]


def find_power(system: System, meter: Path | None = None) -> PowerMeter | Absent:
    """Return the best power meter that there is.

    Args:
        system: Where to look.
        meter: A file whose content is the present power in watts.

    Raises:
        SourceError: The file that was named holds no power.
    """
    if meter is not None:
        first = _of_file(meter)
        if isinstance(first, Absent):
            raise SourceError(f"{meter} gives no power: {first.reason}.")
        return PowerMeter("meter", lambda: _of_file(meter))
    if not isinstance(_of_rails(system), Absent):
        name = "rails of the Raspberry Pi 5, without losses and USB"
        return PowerMeter(name, lambda: _of_rails(system))
    for path in system.paths(_HWMON):
        monitor = str(path.relative_to(system.root))
        chip = system.read(str(Path(monitor).with_name("name"))) or "unnamed"
        if not isinstance(_of_hwmon(system, monitor), Absent):
            return PowerMeter(f"kernel's monitor {chip}", partial(_of_hwmon, system, monitor))
    return _NONE_HERE


def rails_watts(text: str) -> float | None:
    """Return the power of what ``vcgencmd pmic_read_adc`` prints: volt x ampere of all rails.

    A rail has two lines, such as ``VDD_CORE_A current(7)=1.49A`` and ``VDD_CORE_V
    volt(15)=0.87V``. None if there is no rail.
    """
    found = re.findall(r"(\S+)_([AV])\s+(?:current|volt)\(\d+\)=([0-9.]+)[AV]", text)
    amperes = {rail: float(value) for rail, kind, value in found if kind == "A"}
    volts = {rail: float(value) for rail, kind, value in found if kind == "V"}
    rails = amperes.keys() & volts.keys()
    return sum(amperes[rail] * volts[rail] for rail in rails) if rails else None


def _of_file(path: Path) -> float | Absent:
    try:
        watts = float(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return Absent("it cannot be read as a number of watts")
    return _plausible(watts)


def _of_rails(system: System) -> float | Absent:
    ended = system.run(["vcgencmd", "pmic_read_adc"])
    watts = rails_watts(ended[1]) if ended is not None and ended[0] == 0 else None
    return Absent("vcgencmd tells no rails") if watts is None else _plausible(watts)


def _of_hwmon(system: System, path: str) -> float | Absent:
    microwatts = system.number(path)
    if microwatts is None:
        return Absent("the monitor gives no number")
    return _plausible(microwatts * _MICROWATTS)


def _plausible(watts: float) -> float | Absent:
    """A board that computes takes more than nothing: a zero is a meter that does not measure."""
    low, high = _PLAUSIBLE
    return watts if low < watts < high else Absent(f"{watts:g} watts cannot be")
