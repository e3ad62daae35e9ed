"""``bench --minutes``: what runs, with progress, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.absent import Absent
from benchmarks.configurations import Configuration, matrix
from benchmarks.reporting.progress import StatusLine
from benchmarks.sensors import BoardSensors
from benchmarks.sustained.report import SustainedReport
from benchmarks.sustained.run import Endurance, run_sustained
from benchmarks.sustained.verdict import Moment
from benchmarks.workload import Workload
from edge_runtime.bundle import Bundle
from edge_runtime.engines import default_engine
from edge_runtime.errors import UsageError

__all__ = ["measure_sustained", "one_configuration"]

_NO_REFERENCE = Absent("the float reference does not run on")


def one_configuration(
    bundle: Bundle, engines: Sequence[str], saliencies: Sequence[str]
) -> Configuration:
    """Return the one configuration that runs on.

    Args:
        bundle: The bundle.
        engines: What the user chose; the first that is installed if empty.
        saliencies: What the user chose; no map if empty.

    Raises:
        UsageError: More than one was chosen.
        SaliedgeError: It cannot run here, or the bundle lacks its graph.
    """
    if len(engines) > 1 or len(saliencies) > 1:
        raise UsageError("One configuration runs on: give one --engine and one --saliency at most.")
    plan = matrix(
        bundle, _NO_REFERENCE, engines or [default_engine(bundle)], saliencies or ["none"]
    )
    return plan.configurations[0]


def measure_sustained(
    bundle: Bundle,
    configuration: Configuration,
    workload: Workload,
    endurance: Endurance,
    meter: Path | None = None,
) -> SustainedReport:
    """Run one configuration on; a terminal sees how far it is, how fast and how hot.

    Raises:
        SaliedgeError: The process failed, or ``meter`` holds no power.
    """
    sensors = BoardSensors(meter=meter)
    with StatusLine() as line:
        line.show(f"{configuration.name}: loading")

        def show(moment: Moment) -> None:
            heat = moment.reading.temperature_celsius
            degrees = "" if isinstance(heat, Absent) else f", {heat:.0f} °C"
            line.show(
                f"[{moment.window.seconds:.0f}/{endurance.seconds:.0f} s] {configuration.name}: "
                f"{moment.window.stages_ms['infer']:.2f} ms{degrees}"
            )

        return run_sustained(bundle, configuration, workload, endurance, sensors, show)
