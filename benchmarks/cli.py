"""The command ``bench``: what a bundle costs on the machine at hand, in time, memory and bytes."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

import click

from benchmarks.subcommands import CommandWithSubcommands
from edge_runtime import __version__
from edge_runtime.cli import LazyCommand
from edge_runtime.errors import GateError, run_command

if TYPE_CHECKING:
    from benchmarks.absent import Absent
    from benchmarks.configurations import Configuration
    from benchmarks.report import Report
    from edge_runtime.bundle import Bundle, Reference

__all__ = ["BenchOptions", "bench", "main"]

_ENGINE_NAMES = ("onnx", "litert", "tflite-runtime")
_FRAMES, _WARMUP, _ROUNDS = 200, 20, 6

_SUBCOMMANDS = {
    "compare": LazyCommand(
        "benchmarks.compare_cli:compare", "Compare reports: ratios, intervals and verdicts."
    ),
    "check": LazyCommand(
        "benchmarks.compare_cli:check", "Fail if a report is slower than another, for CI."
    ),
    "emulate": LazyCommand(
        "benchmarks.emulate.cli:emulate", "Count instructions on emulated Arm boards."
    ),
}

_EPILOG = """\b
Examples:
  bench --bundle first.edge
  bench compare before.json after.json
  bench check new.json --against base.json --max-regression 5%
  bench --bundle first.edge --engine onnx --engine litert --threads 4
  bench --bundle first.edge --saliency none --saliency gradient --json report.json
  bench --bundle first.edge --html report.html
  bench --bundle first.edge --frames 20 --rounds 2
  bench emulate --bundle first.edge

\b
Each configuration runs in a fresh process in every round, in turn (A B C, A B C, ...). Give six
rounds or more for ratios with a 95 % interval, and 1000 frames in all for p99. The float
reference is measured too if NAME.reference lies beside the bundle.
"""


@dataclass(frozen=True)
class BenchOptions:
    """Options of the command, as click has checked them.

    Attributes:
        bundle: Path of the bundle.
        engines: Engines to measure; all that are installed if empty.
        saliencies: Maps to measure; all that the bundle has if empty.
        threads: Threads of the engine; as many as ``edge-infer`` takes if None.
        frames: Timed frames of one process.
        warmup: Frames before them.
        rounds: Processes of each configuration.
        json_path: Where the report goes, ``-`` for standard output; None for nowhere.
        html_path: Where the page goes, or None.
        force: Replace earlier files.
        strict: Fail if the figures cannot be relied on.
    """

    bundle: str
    engines: tuple[str, ...]
    saliencies: tuple[str, ...]
    threads: int | None
    frames: int
    warmup: int
    rounds: int
    json_path: str | None
    html_path: str | None
    force: bool
    strict: bool


@click.command(
    "bench",
    cls=CommandWithSubcommands,
    subcommands=_SUBCOMMANDS,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--bundle", required=True, metavar="NAME.edge", help="The bundle to measure.")
@click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(_ENGINE_NAMES),
    help="Engine to measure; can be repeated. Default: all that are installed.",
)
@click.option(
    "--saliency",
    "saliencies",
    multiple=True,
    type=click.Choice(["none", "cam", "gradient-early", "gradient"]),
    help="Map to measure; can be repeated. Default: all that the bundle has.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads of the engine. Default: the processors, up to 4.",
)
@click.option(
    "--frames",
    type=click.IntRange(min=1),
    default=_FRAMES,
    show_default=True,
    metavar="N",
    help="Timed frames of one process.",
)
@click.option(
    "--warmup",
    type=click.IntRange(min=0),
    default=_WARMUP,
    show_default=True,
    metavar="N",
    help="Frames before them that do not count.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=_ROUNDS,
    show_default=True,
    metavar="N",
    help="Processes of each configuration.",
)
@click.option("--json", "json_path", metavar="FILE", help="Write the report; - for stdout.")
@click.option(
    "--html", "html_path", metavar="FILE", help="Write the report as a page, with pictures."
)
@click.option("--force", is_flag=True, help="Replace earlier files.")
@click.option("--strict", is_flag=True, help="End with 8 if the figures are not stable.")
@click.version_option(__version__, prog_name="bench")
def bench(**arguments: object) -> None:
    """Measure latency, frame rate, memory and size of a bundle's graphs on this machine.

    INT8 and its float reference, with and without a saliency map, in each installed engine.
    """
    _run(BenchOptions(**arguments))  # type: ignore[arg-type]  # click has checked the types


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of the script ``bench``."""
    run_command(bench, arguments, name="bench")


def _run(options: BenchOptions) -> None:
    # Imported here, so that --help and a wrong option cost no engine and no OpenCV.
    from benchmarks.configurations import find_reference
    from benchmarks.html_report import report_html
    from benchmarks.output import refuse_report, show_report
    from benchmarks.table import report_text
    from edge_runtime.bundle import open_bundle
    from edge_runtime.files import atomic_write_text

    refuse_report(options.json_path, options.force)
    refuse_report(options.html_path, options.force)
    bundle = open_bundle(options.bundle)
    report = _measured(options, bundle, find_reference(bundle))
    show_report(report_text(report), report.to_bytes(), options.json_path)
    if options.html_path is not None:
        atomic_write_text(options.html_path, report_html(report))
        click.echo(f"written: {options.html_path}", err=options.json_path == "-")
    if options.strict and report.findings:
        raise GateError(f"the figures cannot be relied on: {report.findings[0]}")


def _measured(options: BenchOptions, bundle: Bundle, reference: Reference | Absent) -> Report:
    from benchmarks.conditions import conditions
    from benchmarks.configurations import matrix
    from benchmarks.report import BundleIdentity, Report
    from benchmarks.rounds import measure_rounds
    from benchmarks.workload import Workload
    from edge_runtime.engines.base import default_threads

    plan = matrix(bundle, reference, options.engines, options.saliencies)
    workload = Workload(
        frames=options.frames,
        warmup=options.warmup,
        rounds=options.rounds,
        threads=options.threads or default_threads(),
    )
    found = conditions()
    started, start = datetime.now(UTC), time.monotonic()
    progress = _Progress(len(plan.configurations) * workload.rounds, workload.rounds)
    try:
        results = measure_rounds(bundle, reference, plan.configurations, workload, progress.show)
    finally:
        progress.end()
    return Report(
        bundle=BundleIdentity.of(bundle),
        workload=workload,
        conditions=found,
        started_utc=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - start, 3),
        results=results,
        left_out=plan.left_out,
    )


class _Progress:
    """One line on a terminal that is written over while processes run; nothing elsewhere."""

    def __init__(self, total: int, rounds: int) -> None:
        self._total = total
        self._rounds = rounds
        self._started = 0
        self._enabled = sys.stderr.isatty()

    def show(self, number: int, configuration: Configuration) -> None:
        """Say which process starts now; rounds count from 0."""
        self._started += 1
        if self._enabled:
            line = (
                f"[{self._started}/{self._total}] round {number + 1} of {self._rounds}: "
                f"{configuration.name}"
            )
            width = shutil.get_terminal_size().columns - 1
            click.echo(f"\r\x1b[2K{line[:width]}", nl=False, err=True)

    def end(self) -> None:
        """Clear the line."""
        if self._enabled and self._started:
            click.echo("\r\x1b[2K", nl=False, err=True)


if __name__ == "__main__":
    main()
