"""Starting the long run, and reading the board and the process from outside meanwhile."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from benchmarks.absent import Absent
from benchmarks.conditions import conditions
from benchmarks.configurations import Configuration
from benchmarks.exchange import (
    child_environment,
    hand_over,
    read_answer,
    task_bytes,
    worker_command,
)
from benchmarks.report import BundleIdentity
from benchmarks.sensors import BoardSensors, ProcessSensors
from benchmarks.sustained.energy import NO_BATTERY
from benchmarks.sustained.report import SustainedReport
from benchmarks.sustained.verdict import Moment
from benchmarks.sustained.windows import Window
from benchmarks.sustained.worker import SustainedTask
from benchmarks.workload import Workload, synthetic_frames
from edge_runtime.bundle import Bundle

__all__ = ["Endurance", "run_sustained", "window_seconds"]

WORKER = worker_command("benchmarks.sustained.worker")
_IDLE_READINGS, _IDLE_SECONDS = 5, 0.5
_NONE_LOST = Absent("one frame follows the other, so that none can be lost")


@dataclass(frozen=True)
class Endurance:
    """How long, and at what pace.

    Attributes:
        seconds: Of the run, after the warm-up.
        rate: Frames a second of a source that does not wait; 0 for one after the other.
        camera: A camera in place of synthetic frames, or None.
        battery_wh: Capacity of a battery to tell the hours of, or None.
    """

    seconds: float
    rate: float = 0.0
    camera: str | None = None
    battery_wh: float | None = None

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.rate < 0 or (self.battery_wh or 1) <= 0:
            raise ValueError("seconds and the capacity are above 0, the rate is not below")

    @property
    def source(self) -> str:
        """Where the frames come from, in words."""
        if self.camera is not None:
            return f"camera {self.camera}"
        pace = f"{self.rate:g} a second" if self.rate else "one after the other"
        return f"synthetic frames, {pace}"


def window_seconds(seconds: float) -> float:
    """Return the length of a window: 120 in all, but none below 1 s or above 5 s.

    Reading a board's firmware starts a program each time, which should not be felt. A run of
    seconds still has some windows.
    """
    return min(seconds / 10, min(5.0, max(1.0, seconds / 120)))


def run_sustained(
    bundle: Bundle,
    configuration: Configuration,
    workload: Workload,
    endurance: Endurance,
    sensors: BoardSensors,
    on_moment: Callable[[Moment], None] = lambda moment: None,
) -> SustainedReport:
    """Run one configuration on in a fresh process.

    Args:
        bundle: The bundle.
        configuration: INT8, in an engine that is installed.
        workload: Threads, warm-up and frame size.
        endurance: How long.
        sensors: Of the board.
        on_moment: Told each window with what the sensors say.

    Raises:
        SaliedgeError: The process failed, or gave not one window.
    """
    found, started = conditions(), datetime.now(UTC)
    before = sensors.read()
    task = SustainedTask(
        folder=str(bundle.path),
        sha256=bundle.sha256,
        configuration=configuration,
        workload=workload,
        seconds=endurance.seconds,
        window_seconds=window_seconds(endurance.seconds),
        rate=endurance.rate,
        camera=endurance.camera,
    )
    idle = _idle_watts(sensors)
    moments, end = _watched(task, sensors, on_moment)
    lossless = endurance.camera is None and not endurance.rate
    return SustainedReport(
        bundle=BundleIdentity.of(bundle),
        configuration=configuration,
        workload=workload,
        source=endurance.source,
        rate=endurance.rate,
        conditions=found,
        engine_version=str(end["engine_version"]),
        started_utc=started.isoformat(timespec="seconds"),
        power=sensors.power_name,
        before=before,
        idle_watts=idle,
        moments=tuple(moments),
        dropped=_NONE_LOST if lossless else int(end["dropped"]),
        battery_wh=NO_BATTERY if endurance.battery_wh is None else endurance.battery_wh,
    )


def _watched(
    task: SustainedTask, sensors: BoardSensors, on_moment: Callable[[Moment], None]
) -> tuple[list[Moment], dict[str, Any]]:
    """Run the process and return its windows with the sensors' readings, and its last word."""
    frames = b"" if task.camera else synthetic_frames(task.workload).tobytes()
    moments: list[Moment] = []
    last = b""
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            WORKER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=child_environment(),
        ) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        try:
            hand_over(process.stdin, task_bytes(task.to_json(), frames))
            process.stdin.close()
            usage = ProcessSensors(process.pid)
            for line in process.stdout:
                last = line
                answer = json.loads(line)
                if "begin" in answer:
                    usage.read()
                elif "window" in answer:
                    window = Window.from_json(answer["window"])
                    moments.append(Moment(window, sensors.read(), usage.read()))
                    on_moment(moments[-1])
        except BaseException:
            process.kill()
            raise
        process.wait()
        errors.seek(0)
        ended = subprocess.CompletedProcess(WORKER, process.returncode, last, errors.read())
    name = task.configuration.name
    return moments, read_answer(ended, task.configuration.engine, name, key="end")


def _idle_watts(sensors: BoardSensors) -> float | Absent:
    """The median of some readings, where the power can be read at all."""
    if isinstance(sensors.power_name, Absent):
        return sensors.power_name
    found: Sequence[float | Absent] = [
        _after(_IDLE_SECONDS, sensors) for _ in range(_IDLE_READINGS)
    ]
    known = [watts for watts in found if not isinstance(watts, Absent)]
    return median(known) if known else found[0]


def _after(seconds: float, sensors: BoardSensors) -> float | Absent:
    time.sleep(seconds)
    return sensors.read().watts
