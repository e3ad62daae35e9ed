"""What a training step with learned ranges and saliency guidance costs, in plain float steps.

    python -m benchmarks.studies.training_step --rounds 30 --page docs/results/training-step.md

Each round takes one step of every kind, in turn, so that what slows the machine down slows all of
them; the figure is the median of the ratios within rounds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click

from benchmarks.conditions import conditions
from benchmarks.studies.training_page import Measurement, Times, page, verdict
from benchmarks.studies.training_profile import Breakdown, break_down, middle
from benchmarks.studies.training_variants import RepeatedStep, Workload, make_steps
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import GateError, UsageError, run_command
from edge_runtime.files import atomic_write_text
from train.torch_settings import torch_settings

__all__ = ["check_limits", "measure", "training_step"]


def measure(workload: Workload, rounds: int, profiled: int) -> Measurement:
    """Time the steps in turn, every other round from the last to the first, then profile them.

    Args:
        workload: what the steps are taken on.
        rounds: steps of each kind that are timed, after one that is not.
        profiled: steps of each kind that are profiled.
    """
    before = conditions()
    with torch_settings(workload.threads):
        steps = make_steps(workload)
        times = {name: Times() for name in steps}
        for number in range(rounds + 1):
            for name in list(steps) if number % 2 else reversed(list(steps)):
                cpu, wall = _seconds(steps[name])
                if number:
                    times[name].cpu.append(cpu)
                    times[name].wall.append(wall)
        breakdowns = {name: _profiled(step, profiled) for name, step in steps.items()}
    return Measurement(workload, before, times, breakdowns)


def check_limits(measurement: Measurement) -> None:
    """Hold the steps to their limits.

    Raises:
        GateError: the interval of a ratio is not below its limit.
    """
    limits: Mapping[str, float] = measurement.limits()
    for name, found in measurement.cpu_ratios().items():
        if name in limits and verdict(found, limits[name]) != "met":
            raise GateError(
                f"a step of {name} takes {found} plain float steps, at most {limits[name]:g} are "
                "allowed; see where its time goes, or measure more rounds."
            )


def _seconds(step: RepeatedStep) -> tuple[float, float]:
    """CPU and wall time of a step from its fresh state."""
    step.reset()
    cpu, wall = time.process_time(), time.perf_counter()
    step.take()
    return time.process_time() - cpu, time.perf_counter() - wall


def _profiled(step: RepeatedStep, repeats: int) -> Breakdown:
    found = []
    for _ in range(repeats):
        step.reset()
        found.append(break_down(step.take))
    return middle(found)


@click.command(context_settings=SETTINGS)
@click.option(
    "--rounds",
    type=click.IntRange(2),
    default=20,
    show_default=True,
    help="Steps of each kind that are timed.",
)
@click.option(
    "--profiled",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Steps of each kind that are run under the profiler afterwards.",
)
@click.option(
    "--backbone", default=Workload.backbone, show_default=True, help="As saliedge train has it."
)
@click.option("--size", type=int, help="Side of the square input [the backbone's].")
@click.option("--batch-size", type=click.IntRange(2), default=Workload.images, show_default=True)
@click.option("--bits", type=click.Choice(["8", "4", "2"]), default="8", show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="JSON file with every round.")
@click.option("--page", "text", type=click.Path(path_type=Path), help="Markdown file, as printed.")
@click.option("--check", is_flag=True, help="Fail unless the limits are met.")
def training_step(
    rounds: int,
    profiled: int,
    backbone: str,
    size: int | None,
    batch_size: int,
    bits: str,
    threads: int,
    out: Path | None,
    text: Path | None,
    check: bool,
) -> None:
    """Time a plain float step and, in multiples of it, what quantisation and guidance cost.

    \b
    Examples:
      python -m benchmarks.studies.training_step
      python -m benchmarks.studies.training_step --backbone small_cnn --rounds 50 --out step.json
      python -m benchmarks.studies.training_step --check
    """
    workload = Workload(backbone, size, batch_size, int(bits), threads)
    if check and workload != Workload():
        raise UsageError("the limits are set for the default workload; leave out --check.")
    measurement = measure(workload, rounds, profiled)
    command = " ".join(["python -m benchmarks.studies.training_step", *sys.argv[1:]])
    printed = page(measurement, command)
    click.echo(printed)
    if out is not None:
        atomic_write_text(out, json.dumps(measurement.to_json(), indent=1) + "\n")
    if text is not None:
        atomic_write_text(text, printed)
    if check:
        check_limits(measurement)


if __name__ == "__main__":
    run_command(training_step, None, name="training_step")
