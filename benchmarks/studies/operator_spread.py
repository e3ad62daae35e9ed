"""How well ``bench profile`` knows the time of a single operator, and of a type.

    python -m benchmarks.studies.operator_spread first.edge

Profiles the plain INT8 graph in each engine several times, as ``bench profile`` does, and prints
how far the repeats are apart: the largest less the smallest time of each operator, and of each
type.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import click
import numpy as np

from benchmarks.configurations import Configuration
from benchmarks.profile.measure import profiled
from benchmarks.profile.operators import Operators, by_type
from benchmarks.reporting.table import numbers_right
from benchmarks.worker import Task
from benchmarks.workload import Workload, synthetic_frames
from edge_runtime.bundle import open_bundle
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import run_command

__all__ = ["main", "spread_rows"]

ENGINES = ("onnx", "litert")


def spread_rows(engine: str, found: Sequence[Operators]) -> list[Sequence[str]]:
    """A row for the operators and one for their types: how far the repeats are apart.

    Args:
        engine: For the name of the rows.
        found: The same graph's operators, profiled several times.
    """
    single = np.array([[item.ms for item in operators.items] for operators in found])
    names = [item.type for item in by_type(found[0])]
    types = np.array(
        [[{item.type: item.ms for item in by_type(one)}[name] for name in names] for one in found]
    )
    rows: list[Sequence[str]] = []
    for what, times in (("operators", single), ("types", types)):
        apart = 1e3 * np.ptp(times, axis=0)
        level = 1e3 * np.median(times, axis=0)
        slow = level >= np.median(level)
        shares = apart[slow] / np.maximum(level[slow], 1e-9)
        rows.append(
            (
                f"{engine}, {what}",
                str(times.shape[1]),
                f"{np.median(level):.0f}",
                f"{np.median(apart):.0f}",
                f"{np.percentile(apart, 90):.0f}",
                f"{apart.max():.0f}",
                f"{np.median(shares):.0%}",
            )
        )
    return rows


@click.command(context_settings=SETTINGS)
@click.argument("bundle")
@click.option("--times", type=click.IntRange(2), default=5, show_default=True)
@click.option("--frames", type=click.IntRange(6), default=60, show_default=True)
def main(bundle: str, times: int, frames: int) -> None:
    """Print how far repeated profiles of one graph are apart, in microseconds."""
    opened = open_bundle(bundle)
    workload = Workload(frames, max(5, frames // 6), 1, 1)
    pictures = synthetic_frames(workload).tobytes()
    found: dict[str, list[Operators]] = {engine: [] for engine in ENGINES}
    load = os.getloadavg()[0]
    for _ in range(times):
        for engine, repeats in found.items():
            task = Task(
                str(opened.path), opened.sha256, Configuration(engine, "int8", "none"), workload
            )
            repeats.append(profiled(task, pictures))
    click.echo(
        f"{opened.path.name}, INT8 without a map, {times} profiles of {frames} inferences, one "
        f"thread; load {load:.1f} before, {os.getloadavg()[0]:.1f} after\n"
    )
    head = (
        "microseconds", "count", "median time", "apart: median", "90 %", "most",
        "of the slower half's time",
    )  # fmt: skip
    rows = [row for engine, repeats in found.items() for row in spread_rows(engine, repeats)]
    click.echo(numbers_right(head, rows))


if __name__ == "__main__":
    run_command(main, name="python -m benchmarks.studies.operator_spread")
