"""Whether two runs of ``bench`` on one bundle say the same of INT8 over float.

    bench --bundle first.edge --json one.json     # and an hour later
    bench --bundle first.edge --json two.json
    python -m benchmarks.studies.repeatability one.json two.json

``bench compare`` holds latencies against each other, which an hour may change for reasons that are
the machine's. A ratio of two configurations of one run should not change: shown is INT8 over float
of each run, the median over the rounds with its interval, and how far the two are apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks.comparing.compatibility import check_comparable
from benchmarks.report import Report, read_report
from benchmarks.reporting.table import numbers_right
from benchmarks.statistics import MedianInterval, median_interval, paired_ratios
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import GateError, UsageError, run_command

__all__ = ["Agreement", "agreements", "main"]


@dataclass(frozen=True)
class Agreement:
    """A ratio in two runs.

    Attributes:
        name: What is divided by what.
        first: In the first run, of its rounds.
        second: In the second.
    """

    name: str
    first: MedianInterval
    second: MedianInterval

    @property
    def apart(self) -> float:
        """The larger of the two over the smaller, less 1."""
        ratio = self.second.median / self.first.median
        return max(ratio, 1 / ratio) - 1


def agreements(first: Report, second: Report, percentile: float) -> list[Agreement]:
    """Return every ratio of INT8 over float that both reports have.

    Args:
        first: A report.
        second: Another of the same configurations.
        percentile: Of the inferences of each process.
    """
    ours, theirs = _ratios(first, percentile), _ratios(second, percentile)
    return [Agreement(name, ours[name], theirs[name]) for name in ours if name in theirs]


def _ratios(report: Report, percentile: float) -> Mapping[str, MedianInterval]:
    levels = {
        result.configuration: [
            float(np.percentile(item.inference_ns, percentile)) for item in result.rounds
        ]
        for result in report.results
    }
    return {
        f"{ratio.numerator.name} / {ratio.denominator.name}": median_interval(
            paired_ratios(levels[ratio.numerator], levels[ratio.denominator])
        )
        for ratio in report.ratios
        if ratio.kind == "precision"
    }


@click.command(context_settings=SETTINGS)
@click.argument("first", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("second", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--within", type=float, default=0.05, show_default=True, help="Share allowed.")
@click.option("--percentile", type=click.FloatRange(0, 90), default=50.0, show_default=True)
def main(first: Path, second: Path, within: float, percentile: float) -> None:
    """Print INT8 over float of two runs; ends with 8 if a pair is further apart than allowed."""
    one, two = read_report(first), read_report(second)
    check_comparable(one, first, two, second)
    found = agreements(one, two, percentile)
    if not found:
        raise UsageError(f"{first} and {second} share no INT8 graph that has its float reference.")
    for report in (one, two):
        rounds, load = report.workload.rounds, report.conditions["machine"]["load_average"]
        click.echo(
            f"{report.started_utc}: {rounds} rounds of {report.workload.frames} frames, load {load}"
        )
    rows = [(item.name, item.first.text, item.second.text, f"{item.apart:.1%}") for item in found]
    head = (f"p{percentile:g} inference", "first run", "second run", "apart")
    click.echo("\n" + numbers_right(head, rows))
    beyond = [item for item in found if item.apart > within]
    if beyond:
        raise GateError(f"{len(beyond)} of {len(found)} ratios are more than {within:.0%} apart.")
    click.echo(f"\nAll within {within:.0%}.")


if __name__ == "__main__":
    run_command(main, name="python -m benchmarks.studies.repeatability")
