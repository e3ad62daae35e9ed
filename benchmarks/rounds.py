"""Running the measuring processes of all configurations in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.configurations import Configuration, graph_of, schedule
from benchmarks.exchange import ask, worker_command
from benchmarks.report import Result
from benchmarks.subjects import Subject, folder_of
from benchmarks.worker import Round, Task
from benchmarks.workload import Workload, synthetic_frames

__all__ = ["WORKER", "measure_rounds", "run_process"]

WORKER = worker_command("benchmarks.worker")


def measure_rounds(
    subjects: Sequence[Subject],
    configurations: Sequence[Configuration],
    workload: Workload,
    on_start: Callable[[int, Configuration], None] = lambda number, configuration: None,
) -> tuple[Result, ...]:
    """Measure every configuration in every round, each time in a fresh process.

    Args:
        subjects: The bundles; one may lack its reference if no configuration needs it.
        configurations: What to measure.
        workload: How much.
        on_start: Told the round, from 0, and the configuration before each process.

    Returns:
        One result for each configuration, in the order given.

    Raises:
        SaliedgeError: A process failed; see :func:`run_process`.
    """
    frames = synthetic_frames(workload).tobytes()
    measured: dict[Configuration, list[Round]] = {item: [] for item in configurations}
    for number, configuration in schedule(configurations, workload.rounds):
        on_start(number, configuration)
        folder = folder_of(subjects, configuration)
        task = Task(str(folder.path), folder.sha256, configuration, workload)
        measured[configuration].append(run_process(task, frames))
    results = []
    for configuration, rounds in measured.items():
        folder = folder_of(subjects, configuration)
        file = graph_of(folder, configuration).file
        size = folder.spec.files[file].bytes
        results.append(Result(configuration, file, size, tuple(rounds)))
    return tuple(results)


def run_process(task: Task, frames: bytes, command: Sequence[str] = WORKER) -> Round:
    """Measure one configuration in a process of its own, as :func:`benchmarks.exchange.ask`.

    Args:
        task: What to measure.
        frames: uint8 frames as ``Workload`` says, back to back.
        command: The measuring process.

    Raises:
        SaliedgeError: The process reported an error (of the same class), or it died.
    """
    task = replace(task, started_ns=time.monotonic_ns())
    answer = ask(command, task.to_json(), frames, task.configuration, key="round")
    return Round.from_json(answer)
