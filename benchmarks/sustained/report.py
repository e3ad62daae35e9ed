"""The report of a long run and its JSON file.

Schema ``MAJOR.MINOR``; a reader accepts an unknown minor and refuses an unknown major. History:

1.0  First version.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.absent import Absent, or_absent, to_json
from benchmarks.configurations import Configuration
from benchmarks.report import BundleIdentity
from benchmarks.report_file import json_lines, read_report_file, report_fields
from benchmarks.sensors import Reading
from benchmarks.sustained.energy import Energy, energy_of
from benchmarks.sustained.verdict import Moment, Verdict, judge
from benchmarks.sustained.windows import STAGES
from benchmarks.workload import Workload

__all__ = ["SCHEMA", "SustainedReport", "read_sustained"]

SCHEMA = "1.0"
_KIND = "saliedge-bench-sustained"


@dataclass(frozen=True)
class SustainedReport:
    """One configuration that ran on for a while.

    Attributes:
        bundle: What ran.
        configuration: Engine, precision and map.
        workload: Threads, warm-up and size of the frames.
        source: Where the frames came from, in words.
        rate: Frames a second that the source gave; 0 for one after the other.
        conditions: See :func:`benchmarks.conditions.conditions`.
        engine_version: Version of the engine's package.
        started_utc: ISO 8601 time of the start.
        power: What measured the power, or why nothing did.
        before: The board before anything was loaded.
        idle_watts: Power before anything was loaded, the median of some readings.
        moments: The windows with what the sensors told at the end of each.
        dropped: Frames of a live source that were never taken.
        battery_wh: Capacity of the battery that the user asks about.
    """

    bundle: BundleIdentity
    configuration: Configuration
    workload: Workload
    source: str
    rate: float
    conditions: dict[str, Any]
    engine_version: str
    started_utc: str
    power: str | Absent
    before: Reading
    idle_watts: float | Absent
    moments: tuple[Moment, ...]
    dropped: int | Absent
    battery_wh: float | Absent

    @property
    def seconds(self) -> float:
        """Seconds that were measured."""
        return self.moments[-1].window.seconds

    @property
    def frames(self) -> int:
        """Frames that were classified."""
        return sum(moment.window.frames for moment in self.moments)

    @property
    def fps(self) -> float:
        """Frames a second, end to end."""
        return self.frames / self.seconds

    @property
    def verdict(self) -> Verdict:
        """Whether it kept its speed, in words."""
        return judge(self.before, self.moments)

    @property
    def energy(self) -> Energy:
        """What a frame costs."""
        watts = [moment.reading.watts for moment in self.moments]
        return energy_of(watts, self.idle_watts, self.fps, self.battery_wh)

    @property
    def stages_ms(self) -> dict[str, float]:
        """Stage -> milliseconds: the median of the windows' medians."""
        return {
            stage: median(moment.window.stages_ms[stage] for moment in self.moments)
            for stage in STAGES
            if all(stage in moment.window.stages_ms for moment in self.moments)
        }

    @property
    def age_ms(self) -> dict[str, float]:
        """Age of the frames when all was ready: ``p50`` as for the stages, and ``max``."""
        return {
            "p50": median(moment.window.age_p50_ms for moment in self.moments),
            "max": max(moment.window.age_max_ms for moment in self.moments),
        }

    def usage(self, name: str) -> float | Absent:
        """The median of an attribute of :class:`benchmarks.sensors.Usage` over the moments."""
        found = [getattr(moment.usage, name) for moment in self.moments]
        known = [value for value in found if not isinstance(value, Absent)]
        return float(median(known)) if known else found[0]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {
            "kind": _KIND,
            "schema": SCHEMA,
            "bundle": vars(self.bundle).copy(),
            "configuration": self.configuration.to_json(),
            "workload": self.workload.to_json(),
            "source": self.source,
            "rate": self.rate,
            "conditions": self.conditions,
            "engine_version": self.engine_version,
            "started_utc": self.started_utc,
            "power": to_json(self.power),
            "before": self.before.to_json(),
            "idle_watts": to_json(self.idle_watts),
            "dropped": to_json(self.dropped),
            "battery_wh": to_json(self.battery_wh),
            "summary": self._summary(),
            "moments": [moment.to_json() for moment in self.moments],
        }

    def _summary(self) -> dict[str, Any]:
        names = ("processors", "other_processors", "resident_bytes", "proportional_bytes")
        return {
            "seconds": self.seconds,
            "frames": self.frames,
            "fps": self.fps,
            "stages_ms": self.stages_ms,
            "age_ms": self.age_ms,
            "usage": {name: to_json(self.usage(name)) for name in names},
            "energy": self.energy.to_json(),
            "verdict": self.verdict.to_json(),
        }

    def to_bytes(self) -> bytes:
        """Return the JSON file; no NaN, one line for each top-level entry."""
        return json_lines(self.to_json())

    @classmethod
    def from_json(cls, record: Any) -> SustainedReport:
        """Build from a JSON object.

        Raises:
            ValueError: It is no such report, of another major version, or lacks something.
        """
        with report_fields(record, _KIND, SCHEMA, "bench --minutes"):
            moments = tuple(Moment.from_json(item) for item in record["moments"])
            if not moments:
                raise ValueError("it holds no moment")
            return cls(
                bundle=BundleIdentity(**record["bundle"]),
                configuration=Configuration.from_json(record["configuration"]),
                workload=Workload.from_json(record["workload"]),
                source=str(record["source"]),
                rate=float(record["rate"]),
                conditions=dict(record["conditions"]),
                engine_version=str(record["engine_version"]),
                started_utc=str(record["started_utc"]),
                power=or_absent(record["power"], str),
                before=Reading.from_json(record["before"]),
                idle_watts=or_absent(record["idle_watts"], float),
                moments=moments,
                dropped=or_absent(record["dropped"], int),
                battery_wh=or_absent(record["battery_wh"], float),
            )


def read_sustained(path: Path) -> SustainedReport:
    """Read the JSON file of a long run.

    Raises:
        ArtifactError: The file is missing, damaged, no such report or of another major version.
    """
    remedy = "give the file that `bench --minutes --json` wrote"
    return read_report_file(path, SustainedReport.from_json, remedy)
