"""The command ``bench board-report``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.options import remote_options, threads_option
from edge_runtime.command_settings import SETTINGS

if TYPE_CHECKING:
    from benchmarks.remote.ssh import RemoteHost
    from benchmarks.workload import Workload
    from edge_runtime.bundle import Bundle
    from edge_runtime.errors import SaliedgeError

__all__ = ["board_report"]

_EPILOG = """\b
Examples:
  bench board-report first.edge --out pi5.json
  bench board-report first.edge --out pi5.json --html pi5.html --minutes 10

\b
Close other programs first. The file has no host name, user name, path or serial
number in it; look at it before you send it. Takes 10 minutes or more.
"""
_FRAMES, _WARMUP, _ROUNDS = 100, 20, 6


@click.command("board-report", epilog=_EPILOG, context_settings=SETTINGS)
@click.argument("bundle", metavar="BUNDLE")
@click.option(
    "--out", required=True, metavar="FILE", help="The file to send in (JSON); - for stdout."
)
@click.option("--html", "html_path", metavar="FILE", help="Write the same as a page.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=3.0,
    show_default=True,
    metavar="M",
    help="Of the run at full speed; a third more at a camera's pace.",
)
@click.option(
    "--frames", type=click.IntRange(min=1), default=_FRAMES, show_default=True, metavar="N",
    help="Timed frames of one process.",
)  # fmt: skip
@click.option(
    "--rounds", type=click.IntRange(min=1), default=_ROUNDS, show_default=True, metavar="N",
    help="Processes of each configuration.",
)  # fmt: skip
@threads_option
@remote_options
@click.option("--force", is_flag=True, help="Replace earlier files.")
def board_report(
    bundle: str,
    out: str,
    html_path: str | None,
    minutes: float,
    frames: int,
    rounds: int,
    threads: int | None,
    host: str | None,
    ssh_config: Path | None,
    remote_python: str,
    force: bool,
) -> None:
    """Measure everything about this board and write one file to send in.

    The doctor's findings, the benchmark of every configuration, the operators, a run at full speed
    and one with a map at a camera's pace.
    """
    from benchmarks.board_report.page import board_html
    from benchmarks.remote.ssh import RemoteHost
    from benchmarks.report_file import json_lines
    from benchmarks.reporting.output import refuse_report, show_data, write_page
    from benchmarks.workload import Workload
    from edge_runtime.bundle import open_bundle
    from edge_runtime.engines.base import default_threads

    refuse_report(out, force)
    refuse_report(html_path, force)
    opened = open_bundle(bundle)
    if host is None:
        workload = Workload(frames, _WARMUP, rounds, threads or default_threads())
        record, failure = _here(opened, workload, minutes)
    else:
        words = ["--out", "-", "--minutes", minutes, "--frames", frames, "--rounds", rounds]
        words += [] if threads is None else ["--threads", threads]
        target = RemoteHost(host, ssh_config, remote_python)
        record, failure = _there(opened, target, list(map(str, words)))
    show_data(json_lines(record), out)
    write_page(board_html(record), html_path, out)
    if failure is not None:
        raise failure


def _here(bundle: Bundle, workload: Workload, minutes: float) -> tuple[Any, SaliedgeError | None]:
    from benchmarks.board_report.collect import Plan, collect
    from benchmarks.board_report.privacy import personal_words, scrub
    from edge_runtime.errors import IncompleteError

    plan = Plan(workload, minutes, minutes / 3)
    record, failures = collect(bundle, plan, lambda text: click.echo(text, err=True))
    missing = IncompleteError(f"the report lacks {'; '.join(failures)}") if failures else None
    return scrub(record, personal_words()), missing


def _there(
    bundle: Bundle, host: RemoteHost, arguments: list[str]
) -> tuple[Any, SaliedgeError | None]:
    from benchmarks.remote.ssh import run_remote

    click.echo(f"measuring on {host.address}", err=True)
    answer = run_remote(host, [bundle], ["board-report"], arguments)
    # What is there is kept, whatever is missing from it.
    data = answer.data or answer.require()
    return json.loads(data), answer.failure
