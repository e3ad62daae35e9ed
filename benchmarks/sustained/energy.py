"""What an inference costs in energy, from the power that was sampled meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.absent import Absent, to_json

__all__ = ["NO_BATTERY", "Energy", "energy_of"]

NO_BATTERY = Absent("no capacity was given; see --battery-wh")


@dataclass(frozen=True)
class Energy:
    """What a frame costs.

    Attributes:
        watts: Mean power while the frames were classified.
        joules_per_frame: Of the whole board.
        joules_above_idle: What a frame adds to a board that waits.
        battery_hours: How long the battery would last so.
    """

    watts: float | Absent
    joules_per_frame: float | Absent
    joules_above_idle: float | Absent
    battery_hours: float | Absent

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of a report."""
        return {name: to_json(value) for name, value in vars(self).items()}


def energy_of(
    readings: Sequence[float | Absent],
    idle_watts: float | Absent,
    fps: float,
    battery_wh: float | Absent,
) -> Energy:
    """Return the energy of a frame.

    Args:
        readings: Power in watts at moments that lie equally far apart.
        idle_watts: Power before anything was loaded.
        fps: Frames a second.
        battery_wh: Capacity in watt hours.
    """
    known = [watts for watts in readings if not isinstance(watts, Absent)]
    if not known:
        missing = next(
            (watts for watts in readings if isinstance(watts, Absent)), Absent("nothing was read")
        )
        return Energy(missing, missing, missing, missing)
    watts = sum(known) / len(known)
    above: float | Absent = idle_watts
    if not isinstance(idle_watts, Absent):
        above = (watts - idle_watts) / fps
    hours = battery_wh if isinstance(battery_wh, Absent) else battery_wh / watts
    return Energy(watts, watts / fps, above, hours)
