"""Instructions of small networks' graphs on the processors of a Pi 4 and a Pi 5.

    python -m benchmarks.studies.arm64_counts
    python -m benchmarks.studies.arm64_counts small_cnn --force

Each network has random weights (:mod:`benchmarks.studies.untrained`) and every graph that an export
gives. What is counted is what ``bench emulate`` counts. A report of each goes to
``benchmarks/results/arm64``; the page is made of them by :mod:`benchmarks.studies.arm64_pages`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.emulate.emulation import emulate_bundle
from benchmarks.studies.arm64_pages import COUNTS, UNTRAINED
from benchmarks.studies.untrained import write_untrained
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import run_command
from edge_runtime.files import atomic_write_bytes, refuse_existing

__all__ = ["arm64_counts"]


@click.command(context_settings=SETTINGS)
@click.argument("names", nargs=-1, type=click.Choice(tuple(UNTRAINED)))
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--force", is_flag=True, help="Replace earlier reports.")
def arm64_counts(names: Sequence[str], jobs: int, force: bool) -> None:
    """Count the graphs of NAMES; without, of all of them."""
    wanted = names or tuple(UNTRAINED)
    for name in wanted:
        refuse_existing(COUNTS[name], force)
    for name in wanted:
        with tempfile.TemporaryDirectory(prefix="saliedge-counts-") as folder:
            start = time.monotonic()
            bundle = write_untrained(name, UNTRAINED[name], Path(folder) / f"{name}.edge")
            click.echo(f"{name}: bundle after {time.monotonic() - start:.0f} s")
            report = emulate_bundle(bundle, jobs=jobs, tell=lambda line: click.echo(f"  {line}"))
        # After each, since it takes long, and what was counted is kept.
        atomic_write_bytes(COUNTS[name], report.to_bytes())
        click.echo(f"{name}: {COUNTS[name].name} after {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    run_command(arm64_counts, None, name="arm64_counts")
