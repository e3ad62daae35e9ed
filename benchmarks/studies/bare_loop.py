"""What ``bench`` adds to the latency that it measures: against a bare timing loop, and by itself.

    python -m benchmarks.studies.bare_loop first.edge

The plain INT8 graph of the bundle in each engine, in fresh processes in turn, round by round: as
``bench`` times it, in a loop of a few lines (``bare_loop_worker.py``), in that loop with a camera's
frame resized between two inferences, and as ``bench`` times it without its machine-speed probe
(``unprobed_worker.py``). A ratio is bench's latency over the other's in the same round; shown are
the median of the rounds and the interval of the sign test.

Its own overhead is timed where nothing is classified: bench's loop around an engine and a
preprocessing that do nothing, and around the runtime's ``Engine.run`` with a graph that does
nothing, in processor time of the thread, which other work on the machine changes least.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.configurations import Configuration, graph_of
from benchmarks.exchange import child_environment, worker_command
from benchmarks.reporting.table import numbers_right
from benchmarks.rounds import WORKER, run_process
from benchmarks.statistics import median_interval, paired_ratios
from benchmarks.studies.bare_loop_worker import LOADERS
from benchmarks.worker import Task, time_frames
from benchmarks.workload import Workload, synthetic_frames
from edge_runtime.bundle import Bundle, GraphSpec, open_bundle
from edge_runtime.command_settings import SETTINGS
from edge_runtime.engines import Engine
from edge_runtime.errors import SaliedgeError, run_command

__all__ = ["Overhead", "main", "overheads", "time_loops"]

BARE, RESIZING = "bare loop", "bare loop, resizing a frame in between"
UNPROBED = "bench without its probe"
_UNPROBED = worker_command("benchmarks.studies.unprobed_worker")
_PERCENTILES = (50, 10)
_REPEATS = 15
_LIMIT_US = 20.0


@dataclass(frozen=True)
class Overhead:
    """What bench's loop costs where nothing is classified, microseconds a sample.

    Attributes:
        name: Around what.
        processor: Processor time of the thread, of the whole loop: the median of the repeats.
        worst: The largest of the repeats.
        in_sample: What of it is in the latency of an inference: the median of all samples.
    """

    name: str
    processor: float
    worst: float
    in_sample: float


class _EmptyGraph(Engine):
    """The runtime's own ``Engine.run`` around a graph that does nothing."""

    graph_format = "onnx"

    def __init__(self, graph: GraphSpec) -> None:
        self.graph = graph
        self._image = np.zeros(graph.input("image").shape, np.uint8)
        self._result = {output.name: np.zeros(output.shape, np.float32) for output in graph.outputs}

    def input_view(self) -> NDArray[np.uint8]:
        """An array that nobody reads."""
        return self._image

    def _outputs(self, class_index: int) -> dict[str, NDArray[np.float32]]:
        return self._result

    def close(self) -> None:
        """Nothing to give back."""


def overheads(bundle: Bundle, frames: int) -> list[Overhead]:
    """Time bench's loop around nothing.

    Args:
        bundle: Whose plain graph gives the shapes.
        frames: Samples of a repeat.
    """
    nothing = SimpleNamespace(run=lambda image: None)
    empty = _EmptyGraph(graph_of(bundle, Configuration("onnx", "int8", "none")))
    return [
        _overhead("an engine that does nothing", nothing, bundle, frames),
        _overhead("Engine.run, a graph that does nothing", empty, bundle, frames),
    ]


def _overhead(name: str, engine: Any, bundle: Bundle, frames: int) -> Overhead:
    network = bundle.spec.preprocessing
    image = np.zeros((1, network.height, network.width, 3), np.uint8)
    resting: Any = SimpleNamespace(apply_into=lambda frame, target: None)
    workload = Workload(frames, 0, 1, 1)
    costs, samples = [], []
    for _ in range(_REPEATS):
        start = time.thread_time_ns()
        stages, _ = time_frames(engine, resting, image, image, workload, lambda: None)
        costs.append((time.thread_time_ns() - start) / len(stages) / 1e3)
        samples.append(stages[1:, 1] / 1e3)
    return Overhead(
        name, float(np.median(costs)), max(costs), float(np.median(np.concatenate(samples)))
    )


def time_loops(
    bundle: Bundle, engine: str, workload: Workload
) -> dict[str, list[NDArray[np.float64]]]:
    """Time the plain INT8 graph in all loops, in turn.

    Args:
        bundle: The bundle.
        engine: ``onnx`` or ``litert``.
        workload: How much.

    Returns:
        ``bench`` and each loop -> milliseconds of the inferences of each process.

    Raises:
        SaliedgeError: A process failed.
    """
    configuration = Configuration(engine, "int8", "none")
    pictures = synthetic_frames(workload)
    model = bundle.path / graph_of(bundle, configuration).file
    taken: dict[str, list[NDArray[np.float64]]] = {
        name: [] for name in ("bench", UNPROBED, BARE, RESIZING)
    }
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "frames.npy"
        np.save(source, pictures)
        numbers = [workload.threads, workload.warmup, workload.frames]
        bare = [engine, model, source, *numbers]
        for _ in range(workload.rounds):
            task = Task(str(bundle.path), bundle.sha256, configuration, workload)
            for name, command in (("bench", WORKER), (UNPROBED, _UNPROBED)):
                measured = run_process(task, pictures.tobytes(), command)
                taken[name].append(np.array(measured.inference_ns) / 1e6)
            taken[BARE].append(_bare_loop(bare))
            taken[RESIZING].append(_bare_loop([*bare, bundle.spec.preprocessing.width]))
    return taken


def _bare_loop(arguments: Sequence[object]) -> NDArray[np.float64]:
    ended = subprocess.run(
        [*worker_command("benchmarks.studies.bare_loop_worker"), *map(str, arguments)],
        capture_output=True,
        env=child_environment(),
        check=False,
    )
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        raise SaliedgeError(f"The bare loop failed ({said[-1][:200] if said else 'no word'}).")
    return np.array(json.loads(ended.stdout)) / 1e6


def _rows(engine: str, taken: Mapping[str, Sequence[NDArray[np.float64]]]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for percentile in _PERCENTILES:
        levels = {
            name: [float(np.percentile(found, percentile)) for found in rounds]
            for name, rounds in taken.items()
        }
        for name in (BARE, RESIZING, UNPROBED):
            found = median_interval(paired_ratios(levels["bench"], levels[name]))
            rows.append(
                (
                    f"{engine}, {name}",
                    f"p{percentile}",
                    f"{np.median(levels['bench']):.3f}",
                    f"{np.median(levels[name]):.3f}",
                    found.text,
                )
            )
    return rows


@click.command(context_settings=SETTINGS)
@click.argument("bundle")
@click.option("--rounds", type=click.IntRange(2), default=12, show_default=True)
@click.option("--frames", type=click.IntRange(10), default=100, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
def main(bundle: str, rounds: int, frames: int, threads: int) -> None:
    """Print bench's latency over that of a bare loop, and what bench itself costs a sample."""
    opened = open_bundle(bundle)
    workload = Workload(frames, frames // 4, rounds, threads)
    load = os.getloadavg()[0]
    rows = [
        row for engine in LOADERS for row in _rows(engine, time_loops(opened, engine, workload))
    ]
    click.echo(
        f"{opened.path.name}, INT8 without a map, {rounds} rounds of {frames} frames, threads: "
        f"{threads}; load {load:.1f} before, {os.getloadavg()[0]:.1f} after\n"
    )
    head = ("engine, against", "of a process", "bench ms", "loop ms", "ratio")
    click.echo(numbers_right(head, rows))
    click.echo("\nWhat bench costs a sample, microseconds\n")
    costs = overheads(opened, 2000)
    columns = ("bench's loop around", "processor time", "worst repeat", "within the latency")
    click.echo(
        numbers_right(
            columns,
            [
                (item.name, *(f"{v:.2f}" for v in (item.processor, item.worst, item.in_sample)))
                for item in costs
            ],
        )
    )
    met = "met" if max(item.processor for item in costs) < _LIMIT_US else "not met"
    click.echo(f"\nLess than {_LIMIT_US:.0f} microseconds: {met}")


if __name__ == "__main__":
    run_command(main, name="python -m benchmarks.studies.bare_loop")
