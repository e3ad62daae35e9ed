"""The command ``bench``: what a bundle costs on the machine at hand, in time, memory and bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from benchmarks.options import engines_option, saliencies_option, threads_option
from benchmarks.subcommands import CommandWithSubcommands
from edge_runtime import __version__
from edge_runtime.cli import LazyCommand
from edge_runtime.errors import GateError, UsageError, run_command

if TYPE_CHECKING:
    from benchmarks.workload import Workload

__all__ = ["BenchOptions", "bench", "main"]

_FRAMES, _WARMUP, _ROUNDS = 200, 20, 6

_SUBCOMMANDS = {
    "compare": LazyCommand(
        "benchmarks.compare_cli:compare", "Compare reports: ratios, intervals and verdicts."
    ),
    "check": LazyCommand(
        "benchmarks.compare_cli:check", "Fail if a report is slower than another, for CI."
    ),
    "profile": LazyCommand(
        "benchmarks.profile.command:profile", "Show where the time goes, by operator, and advise."
    ),
    "merge": LazyCommand(
        "benchmarks.merge.command:merge", "Put reports of many boards side by side."
    ),
    "board-report": LazyCommand(
        "benchmarks.board_report.command:board_report", "Measure all of this board, into one file."
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
  bench --bundle first.edge --minutes 10 --html sustained.html
  bench --bundle first.edge --minutes 5 --rate 25 --saliency gradient --battery-wh 37
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
        card_path: Where the table for a model card goes, or None.
        force: Replace earlier files.
        strict: Fail if the figures cannot be relied on, or a long run slowed down.
        minutes: Run one configuration on for so long; None for the usual rounds.
        rate: Frames a second that come whether or not they are taken, in a long run.
        camera: Camera of a long run.
        battery_wh: Capacity of a battery, watt hours.
        meter: File that holds the present power in watts.
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
    card_path: str | None
    force: bool
    strict: bool
    minutes: float | None
    rate: float | None
    camera: str | None
    battery_wh: float | None
    meter: Path | None


@click.command(
    "bench",
    cls=CommandWithSubcommands,
    subcommands=_SUBCOMMANDS,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--bundle", required=True, metavar="NAME.edge", help="The bundle to measure.")
@engines_option
@saliencies_option
@threads_option
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
@click.option(
    "--card", "card_path", metavar="FILE", help="Write a Markdown table for a model card."
)
@click.option("--force", is_flag=True, help="Replace earlier files.")
@click.option(
    "--strict", is_flag=True, help="End with 8 if the figures are not stable, or a run slowed down."
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True, max=10_000),
    metavar="M",
    help="Run one configuration on for so long, with heat, clock and power over time.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True, max=10_000),
    metavar="FPS",
    help="With --minutes: synthetic frames at a camera's pace. Default: one after the other.",
)
@click.option("--camera", metavar="CAMERA", help="With --minutes: frames of a camera.")
@click.option(
    "--battery-wh",
    type=click.FloatRange(min=0, min_open=True),
    metavar="WH",
    help="With --minutes: tell how long a battery of this capacity lasts.",
)
@click.option(
    "--meter",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --minutes: a file that a power meter's program keeps at the present watts.",
)
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
    from benchmarks.output import refuse_report

    _refuse_contradictions(options)
    for path in (options.json_path, options.html_path, options.card_path):
        refuse_report(path, options.force)
    if options.minutes is None:
        _run_matrix(options)
    else:
        _run_sustained(options)


def _refuse_contradictions(options: BenchOptions) -> None:
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


def _run_matrix(options: BenchOptions) -> None:
    from benchmarks.configurations import find_reference, matrix
    from benchmarks.html_report import report_html
    from benchmarks.measure import measure_matrix
    from benchmarks.merge.boards import board_name
    from benchmarks.merge.card import card_text
    from benchmarks.output import show_report, write_page
    from benchmarks.table import report_text
    from edge_runtime.bundle import open_bundle

    bundle = open_bundle(options.bundle)
    reference = find_reference(bundle)
    plan = matrix(bundle, reference, options.engines, options.saliencies)
    report = measure_matrix(bundle, reference, plan, _workload(options))
    show_report(report_text(report), report.to_bytes(), options.json_path)
    write_page(report_html(report), options.html_path, options.json_path)
    write_page(card_text({board_name(report): report}), options.card_path, options.json_path)
    if options.strict and report.findings:
        raise GateError(f"the figures cannot be relied on: {report.findings[0]}")


def _run_sustained(options: BenchOptions) -> None:
    from benchmarks.output import show_report, write_page
    from benchmarks.sustained.command import measure_sustained, one_configuration
    from benchmarks.sustained.page import sustained_html
    from benchmarks.sustained.run import Endurance
    from benchmarks.sustained.table import sustained_text
    from edge_runtime.bundle import open_bundle

    assert options.minutes is not None
    bundle = open_bundle(options.bundle)
    endurance = Endurance(
        60 * options.minutes, options.rate or 0.0, options.camera, options.battery_wh
    )
    configuration = one_configuration(bundle, options.engines, options.saliencies)
    workload = _workload(options)
    report = measure_sustained(bundle, configuration, workload, endurance, options.meter)
    show_report(sustained_text(report), report.to_bytes(), options.json_path)
    write_page(sustained_html(report), options.html_path, options.json_path)
    if options.strict and report.verdict.kind in ("slowed", "too short"):
        raise GateError(report.verdict.sentences[0])


def _workload(options: BenchOptions) -> Workload:
    from benchmarks.workload import Workload
    from edge_runtime.engines.base import default_threads

    return Workload(
        frames=options.frames,
        warmup=options.warmup,
        rounds=options.rounds,
        threads=options.threads or default_threads(),
    )


if __name__ == "__main__":
    main()
