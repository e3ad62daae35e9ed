"""The command ``bench``: what a bundle costs on the machine at hand, in time, memory and bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from benchmarks.options import (
    engines_option,
    remote_options,
    saliencies_option,
    several_threads_option,
)
from benchmarks.subcommands import CommandWithSubcommands
from edge_runtime import __version__
from edge_runtime.cli import LazyCommand
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import run_command

__all__ = ["bench", "main"]

_FRAMES, _WARMUP, _ROUNDS = 200, 20, 6

_SUBCOMMANDS = {
    "compare": LazyCommand(
        "benchmarks.comparing.command:compare", "Compare reports: ratios, intervals and verdicts."
    ),
    "check": LazyCommand(
        "benchmarks.comparing.command:check", "Fail if a report is slower than another, for CI."
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
  bench --bundle small.edge --bundle large.edge --threads 1 --threads 4 --saliency none
  bench --bundle first.edge --saliency none --saliency gradient --json report.json
  bench --bundle first.edge --html report.html
  bench --bundle first.edge --frames 20 --rounds 2
  bench --bundle first.edge --minutes 10 --html sustained.html
  bench --bundle first.edge --minutes 5 --rate 25 --saliency gradient --battery-wh 37
  bench emulate --bundle first.edge
  bench --bundle first.edge --host pi@192.0.2.7 --remote-python bench/bin/python

\b
Each configuration runs in a fresh process in every round, in turn (A B C, A B C, ...). Give six
rounds or more for ratios with a 95 % interval, and 1000 frames in all for p99. The float
reference is measured too if NAME.reference lies beside the bundle. Several bundles and numbers of
threads are measured in turn, too: every engine, precision and map of each with each.
"""


@click.command(
    "bench",
    cls=CommandWithSubcommands,
    subcommands=_SUBCOMMANDS,
    epilog=_EPILOG,
    context_settings=SETTINGS,
)
@click.option(
    "--bundle",
    "bundles",
    multiple=True,
    required=True,
    metavar="NAME.edge",
    help="The bundle to measure; can be repeated, for other input sizes.",
)
@engines_option
@saliencies_option
@several_threads_option
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
@remote_options
@click.version_option(__version__, prog_name="bench")
def bench(**arguments: object) -> None:
    """Measure latency, frame rate, memory and size of a bundle's graphs on this machine.

    INT8 and its float reference, with and without a saliency map, in each installed engine.
    """
    # Imported here, so that --help and a wrong option cost no engine and no OpenCV.
    from benchmarks.invocation import Invocation, run

    run(Invocation(**arguments))  # type: ignore[arg-type]  # click has checked the types


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of the script ``bench``."""
    run_command(bench, arguments, name="bench")


if __name__ == "__main__":
    main()
