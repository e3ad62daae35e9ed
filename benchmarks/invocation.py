"""What ``bench`` does: the usual rounds or a long run, here or on another machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import measure_matrix
from benchmarks.merge.boards import board_name
from benchmarks.merge.card import card_text
from benchmarks.remote.ssh import RemoteHost, run_remote
from benchmarks.report import Report
from benchmarks.reporting.output import refuse_report, show_report, write_page
from benchmarks.reporting.page import report_html
from benchmarks.reporting.progress import StatusLine
from benchmarks.reporting.table import report_text
from benchmarks.subjects import open_subjects, whole_matrix
from benchmarks.sustained.command import measure_sustained, one_configuration
from benchmarks.sustained.page import sustained_html
from benchmarks.sustained.report import SustainedReport
from benchmarks.sustained.run import Endurance
from benchmarks.sustained.table import sustained_text
from benchmarks.workload import Workload
from edge_runtime.bundle import open_bundle
from edge_runtime.engines.base import default_threads
from edge_runtime.errors import GateError, UsageError

__all__ = ["Invocation", "run"]


@dataclass(frozen=True)
class Invocation:
    """Arguments of ``bench``, as click has checked them.

    Attributes:
        bundles: Paths of the bundles, at least one.
        engines: Engines to measure; all that are installed if empty.
        saliencies: Maps to measure; all that the bundle has if empty.
        threads: Threads of the engine; as many as ``edge-infer`` takes if empty.
        frames: Timed frames of one process.
        warmup: Frames before them.
        rounds: Processes of each configuration.
        json_path: Where the report goes, ``-`` for standard output; None for nowhere.
        html_path: Where the page goes, or None.
        card_path: Where the table for a model card goes, or None.
        force: Replace earlier files.
        strict: Fail if the figures cannot be relied on, or a long run slowed down.
        minutes: Run one configuration on for so long; None for the usual rounds.
        rate: Frames a second that come whether or not they are taken, in a long run.
        camera: Camera of a long run.
        battery_wh: Capacity of a battery, watt hours.
        meter: File that holds the present power in watts.
        host: Where to measure over SSH; None for here.
        ssh_config: Configuration of the SSH client, or None.
        remote_python: Python there.
    """

    bundles: tuple[str, ...]
    engines: tuple[str, ...]
    saliencies: tuple[str, ...]
    threads: tuple[int, ...]
    frames: int
    warmup: int
    rounds: int
    json_path: str | None
    html_path: str | None
    card_path: str | None
    force: bool
    strict: bool
    minutes: float | None
    rate: float | None
    camera: str | None
    battery_wh: float | None
    meter: Path | None
    host: str | None
    ssh_config: Path | None
    remote_python: str

    def for_remote(self) -> list[str]:
        """Return the arguments behind the bundles' paths for the same run elsewhere."""
        words = ["--json", "-", "--frames", self.frames, "--warmup", self.warmup]
        words += ["--rounds", self.rounds]
        repeated: dict[str, tuple[object, ...]] = {
            "--engine": self.engines,
            "--saliency": self.saliencies,
            "--threads": self.threads,
        }
        words += [word for name, values in repeated.items() for v in values for word in (name, v)]
        single = {
            "--minutes": self.minutes,
            "--rate": self.rate,
            "--camera": self.camera,
            "--battery-wh": self.battery_wh,
            "--meter": self.meter,
        }
        words += [w for name, v in single.items() if v is not None for w in (name, v)]
        return [str(word) for word in words]


def run(options: Invocation) -> None:
    """Do what the command line asks.

    Raises:
        SaliedgeError: See the parts.
    """
    _refuse_contradictions(options)
    for path in (options.json_path, options.html_path, options.card_path):
        refuse_report(path, options.force)
    if options.minutes is None:
        _run_matrix(options)
    else:
        _run_sustained(options)


def _refuse_contradictions(options: Invocation) -> None:
    needing = {
        "--rate": options.rate,
        "--camera": options.camera,
        "--battery-wh": options.battery_wh,
        "--meter": options.meter,
    }
    given = [name for name, value in needing.items() if value is not None]
    if given and options.minutes is None:
        raise UsageError(f"{given[0]} is for a run of some time; give --minutes, too.")
    if options.card_path is not None and options.minutes is not None:
        raise UsageError("A card shows the usual rounds; leave out --card or --minutes.")
    if options.rate is not None and options.camera is not None:
        raise UsageError("A camera has a rate of its own; give --rate or --camera.")
    if options.minutes is not None and max(len(options.bundles), len(options.threads)) > 1:
        raise UsageError("One configuration runs on: give one --bundle and one --threads.")


def _run_matrix(options: Invocation) -> None:
    report = _measured(options) if options.host is None else Report.from_json(_remote(options))
    show_report(report_text(report), report.to_bytes(), options.json_path)
    write_page(report_html(report), options.html_path, options.json_path)
    write_page(card_text({board_name(report): report}), options.card_path, options.json_path)
    if options.strict and report.findings:
        raise GateError(f"the figures cannot be relied on: {report.findings[0]}")


def _measured(options: Invocation) -> Report:
    subjects, workload = open_subjects(options.bundles), _workload(options)
    threads = options.threads or (workload.threads,)
    plan = whole_matrix(subjects, options.engines, options.saliencies, threads)
    return measure_matrix(subjects, plan, workload)


def _run_sustained(options: Invocation) -> None:
    report = (
        _ran_on(options) if options.host is None else SustainedReport.from_json(_remote(options))
    )
    show_report(sustained_text(report), report.to_bytes(), options.json_path)
    write_page(sustained_html(report), options.html_path, options.json_path)
    if options.strict and report.verdict.kind in ("slowed", "too short"):
        raise GateError(report.verdict.sentences[0])


def _ran_on(options: Invocation) -> SustainedReport:
    assert options.minutes is not None
    bundle = open_bundle(options.bundles[0])
    endurance = Endurance(
        60 * options.minutes, options.rate or 0.0, options.camera, options.battery_wh
    )
    configuration = one_configuration(bundle, options.engines, options.saliencies)
    return measure_sustained(bundle, configuration, _workload(options), endurance, options.meter)


def _remote(options: Invocation) -> Any:
    """Measure on another machine and return the JSON value of the report."""
    host = RemoteHost(str(options.host), options.ssh_config, options.remote_python)
    bundles = [subject.bundle for subject in open_subjects(options.bundles)]
    with StatusLine() as line:
        line.show(f"measuring on {host.address}")
        return json.loads(run_remote(host, bundles, ["--bundle"], options.for_remote()).require())


def _workload(options: Invocation) -> Workload:
    return Workload(
        frames=options.frames,
        warmup=options.warmup,
        rounds=options.rounds,
        threads=options.threads[0] if options.threads else default_threads(),
    )
