"""Running the measuring processes in turn, and what is said when one fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.absent import Absent
from benchmarks.configurations import Configuration, graph_of, schedule
from benchmarks.report import Result
from benchmarks.worker import Round, Task
from benchmarks.workload import Workload, synthetic_frames
from edge_runtime.bundle import Bundle, Reference
from edge_runtime.errors import DependencyError, SaliedgeError

__all__ = ["WORKER", "measure_rounds", "run_process"]

# -P: nothing is imported from the folder in which the command happens to be run.
WORKER = (sys.executable, "-P", "-m", "benchmarks.worker")


def measure_rounds(
    bundle: Bundle,
    reference: Reference | Absent,
    configurations: Sequence[Configuration],
    workload: Workload,
    on_start: Callable[[int, Configuration], None] = lambda number, configuration: None,
) -> tuple[Result, ...]:
    """Measure every configuration in every round, each time in a fresh process.

    Args:
        bundle: The bundle.
        reference: Its float graphs; may be Absent if no configuration needs them.
        configurations: What to measure.
        workload: How much.
        on_start: Told the round, from 0, and the configuration before each process.

    Returns:
        One result for each configuration, in the order given.

    Raises:
        SaliedgeError: A process failed; see :func:`run_process`.
    """
    folders = {"int8": bundle, "float32": reference}
    frames = synthetic_frames(workload).tobytes()
    measured: dict[Configuration, list[Round]] = {item: [] for item in configurations}
    for number, configuration in schedule(configurations, workload.rounds):
        on_start(number, configuration)
        folder = _present(folders[configuration.precision])
        task = Task(str(folder.path), folder.sha256, configuration, workload)
        measured[configuration].append(run_process(task, frames))
    results = []
    for configuration, rounds in measured.items():
        folder = _present(folders[configuration.precision])
        file = graph_of(folder, configuration).file
        size = folder.spec.files[file].bytes
        results.append(Result(configuration, file, size, tuple(rounds)))
    return tuple(results)


def run_process(task: Task, frames: bytes, command: Sequence[str] = WORKER) -> Round:
    """Run one measuring process and wait for it; it is ended if this process is interrupted.

    Args:
        task: What to measure.
        frames: uint8 frames as ``Workload`` says, back to back.
        command: The measuring process.

    Raises:
        SaliedgeError: The process reported an error (of the same class), or it died.
    """
    # The child finds the packages where this process found them, installed or in a checkout.
    places = [*filter(None, sys.path), str(Path(__file__).parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    ended = subprocess.run(
        command,
        input=json.dumps(task.to_json()).encode() + b"\n" + frames,
        capture_output=True,
        env=environment,
        check=False,
    )
    name = task.configuration.name
    if ended.returncode < 0:
        raise DependencyError(
            f"The process that measured {name} was ended by "
            f"{signal.Signals(-ended.returncode).name}; if the memory is too small for it, leave "
            f"it out, else reinstall the engine {task.configuration.engine!r}."
        )
    answer = _answer(ended.stdout)
    if "error" in answer:
        raise _error_class(answer["exit_code"])(answer["error"])
    if ended.returncode or "round" not in answer:
        lines = ended.stderr.decode(errors="replace").strip().splitlines()
        raise SaliedgeError(
            f"The process that measured {name} failed with exit code {ended.returncode} "
            f"({lines[-1][:200] if lines else 'it said nothing'}); this is a bug, report it."
        )
    return Round.from_json(answer["round"])


def _answer(printed: bytes) -> dict[str, Any]:
    """Return the answer of a process, empty if it gave none."""
    try:
        answer = json.loads(printed)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _present(folder: Bundle | Reference | Absent) -> Bundle | Reference:
    if isinstance(folder, Absent):
        raise ValueError(f"a float configuration needs the reference: {folder.reason}")
    return folder


def _error_class(exit_code: int) -> type[SaliedgeError]:
    """Return the class of an exit code, so that the command ends as its process would have."""
    classes = SaliedgeError.__subclasses__()
    return next((found for found in classes if found.exit_code == exit_code), SaliedgeError)
