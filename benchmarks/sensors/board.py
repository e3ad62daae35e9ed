"""Heat, clock, throttling and power of a board, sampled while it works."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.absent import Absent, or_absent, to_json
from benchmarks.sensors.power import find_power
from edge_runtime.board import THROTTLE_BITS, temperature_celsius, throttled_bits
from edge_runtime.doctor import System

__all__ = ["BoardSensors", "Reading"]

_NO_ZONE = Absent("no temperature sensor can be read here")
_NO_CLOCK = Absent("neither the kernel nor a firmware tells the clock here")
_NO_FLAGS = Absent("no firmware tells of throttling here; Raspberry Pis have one")
_ZONES = "sys/class/thermal"
_FREQUENCIES = "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"


@dataclass(frozen=True)
class Reading:
    """A board at one moment.

    Attributes:
        temperature_celsius: Of the hottest zone.
        frequency_mhz: Clock of the processors, their mean.
        throttled: What the firmware says is so now, such as ``("too hot",)``; empty for nothing.
        watts: Power.
    """

    temperature_celsius: float | Absent
    frequency_mhz: float | Absent
    throttled: tuple[str, ...] | Absent
    watts: float | Absent

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        record = {name: to_json(value) for name, value in vars(self).items()}
        if not isinstance(self.throttled, Absent):
            record["throttled"] = list(self.throttled)
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Reading:
        """Build from a JSON object; ``ValueError`` or ``KeyError`` says what is wrong with it."""
        return cls(
            or_absent(record["temperature_celsius"], float),
            or_absent(record["frequency_mhz"], float),
            or_absent(record["throttled"], lambda words: tuple(map(str, words))),
            or_absent(record["watts"], float),
        )


class BoardSensors:
    """The sensors that this board has; looked for once, so that a reading is cheap.

    Args:
        system: Where to look.
        meter: A file whose content is the present power in watts.

    Attributes:
        power_name: What measures the power, or why nothing does.

    Raises:
        SourceError: ``meter`` holds no power.
    """

    def __init__(self, system: System | None = None, meter: Path | None = None) -> None:
        self._system = system or System()
        self._power = find_power(self._system, meter)
        self._firmware = throttled_bits(self._system.read, self._system.run) is not None
        self._clock_of_firmware = not isinstance(self._firmware_mhz(), Absent)
        self.power_name = self._power if isinstance(self._power, Absent) else self._power.name

    def read(self) -> Reading:
        """Return what the board tells now; never raises."""
        heat = temperature_celsius(self._system.root / _ZONES)
        clock = self._firmware_mhz() if self._clock_of_firmware else self._kernel_mhz()
        return Reading(
            temperature_celsius=_NO_ZONE if heat is None else heat,
            frequency_mhz=clock,
            throttled=self._flags(),
            watts=self._power if isinstance(self._power, Absent) else self._power.read(),
        )

    def _flags(self) -> tuple[str, ...] | Absent:
        if not self._firmware:
            return _NO_FLAGS
        bits = throttled_bits(self._system.read, self._system.run)
        if bits is None:
            return Absent("the firmware did not answer")
        return tuple(text for bit, text in THROTTLE_BITS.items() if bits >> bit & 1)

    def _firmware_mhz(self) -> float | Absent:
        """A Raspberry Pi's firmware lowers the clock without telling the kernel; it is asked."""
        ended = self._system.run(["vcgencmd", "measure_clock", "arm"])
        if ended is None or ended[0]:
            return _NO_CLOCK
        hertz = ended[1].rpartition("=")[2]
        return int(hertz) / 1e6 if hertz.isdigit() and int(hertz) else _NO_CLOCK

    def _kernel_mhz(self) -> float | Absent:
        found = [
            kilohertz
            for path in self._system.paths(_FREQUENCIES)
            if (kilohertz := self._system.number(str(path.relative_to(self._system.root))))
        ]
        return sum(found) / len(found) / 1000 if found else _NO_CLOCK
