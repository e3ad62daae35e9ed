"""What a measuring process is given, and how it answers.

It takes a task on standard input, a line of JSON, and behind it the bytes of the frames; it answers
on standard output with lines of JSON, mostly one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, AnyStr, BinaryIO

import numpy as np
from numpy.typing import NDArray

from benchmarks.configurations import Configuration
from benchmarks.workload import Workload
from edge_runtime.errors import DependencyError, SaliedgeError
from edge_runtime.messages import signal_name

__all__ = [
    "ask",
    "child_environment",
    "error_class",
    "hand_over",
    "read_answer",
    "read_frames",
    "read_task",
    "stream_answers",
    "task_bytes",
    "worker_command",
    "write_answer",
]


def worker_command(module: str) -> tuple[str, ...]:
    """Return the command of a measuring process: a module, run by this Python."""
    # -P: nothing is imported from the folder in which the command happens to be run.
    return (sys.executable, "-P", "-m", module)


def ask(
    command: Sequence[str],
    task: dict[str, Any],
    frames: bytes,
    configuration: Configuration,
    key: str,
) -> dict[str, Any]:
    """Run a measuring process and wait for it; it is ended if this process is interrupted.

    Args:
        command: The process.
        task: What it is to do.
        frames: uint8 frames as ``Workload`` says, back to back.
        configuration: What it measures, for the sentence about one that died.
        key: Where the result is in the answer.

    Raises:
        SaliedgeError: The process reported an error (of the same class), or it died.
    """
    ended = subprocess.run(
        command,
        input=task_bytes(task, frames),
        capture_output=True,
        env=child_environment(),
        check=False,
    )
    return read_answer(ended, configuration.engine, configuration.name, key)


def task_bytes(task: dict[str, Any], frames: bytes) -> bytes:
    """Return what :func:`read_task` and then :func:`read_frames` read."""
    return json.dumps(task).encode() + b"\n" + frames


def hand_over(stream: IO[AnyStr], data: AnyStr) -> None:
    """Write to the standard input of a process; one that died already says why on its own."""
    try:
        stream.write(data)
        stream.flush()
    except BrokenPipeError:
        # Closed here: it would try again, and fail again, when it is closed by others.
        with suppress(BrokenPipeError):
            stream.close()


def read_task(stream: BinaryIO) -> dict[str, Any]:
    """Read the task of this process."""
    task: dict[str, Any] = json.loads(stream.readline())
    return task


def read_frames(stream: BinaryIO, workload: Workload) -> NDArray[np.uint8]:
    """Read the frames behind the task: uint8 ``[N, frame_height, frame_width, 3]``."""
    frames = np.frombuffer(stream.read(), np.uint8)
    return frames.reshape(-1, workload.frame_height, workload.frame_width, 3)


def write_answer(work: Callable[[], dict[str, Any]]) -> None:
    """Do the work of this process and print its result, or the error as a sentence with its code.

    What engines print goes to standard error meanwhile.
    """
    stream_answers(lambda _: work())


def stream_answers(work: Callable[[Callable[[dict[str, Any]], None]], dict[str, Any]]) -> None:
    """As :func:`write_answer`, for work that tells something, line by line, while it lasts."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        answer = work(tell)
    except SaliedgeError as error:
        answer = {"error": str(error), "exit_code": error.exit_code}
    tell(answer)
    answers.close()


def child_environment() -> dict[str, str]:
    """Return the environment for a measuring process.

    It finds the packages where this process found them, installed or in a checkout.
    """
    places = [*filter(None, sys.path), str(Path(__file__).parents[1])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places)}


def read_answer(
    ended: subprocess.CompletedProcess[bytes], engine: str, name: str, key: str
) -> dict[str, Any]:
    """Return the result of a process that ran :func:`write_answer`.

    Args:
        ended: The process, with what it printed.
        engine: The engine that it loaded, for the sentence about one that died.
        name: What it measured.
        key: Where the result is in the answer.

    Raises:
        SaliedgeError: The process reported an error (of the same class), or it died.
    """
    if ended.returncode < 0:
        raise DependencyError(
            f"The process that measured {name} was ended by "
            f"{signal_name(-ended.returncode)}; if the memory is too small for it, leave "
            f"it out, else reinstall the engine {engine!r}."
        )
    answer = _answer(ended.stdout)
    if "error" in answer:
        raise error_class(answer["exit_code"])(answer["error"])
    if ended.returncode or key not in answer:
        lines = ended.stderr.decode(errors="replace").strip().splitlines()
        raise SaliedgeError(
            f"The process that measured {name} failed with exit code {ended.returncode} "
            f"({lines[-1][:200] if lines else 'it said nothing'}); this is a bug, report it."
        )
    result: dict[str, Any] = answer[key]
    return result


def _answer(printed: bytes) -> dict[str, Any]:
    """Return the answer of a process, empty if it gave none."""
    try:
        answer = json.loads(printed)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def error_class(exit_code: int) -> type[SaliedgeError]:
    """Return the class of an exit code, so that the command ends as its process would have."""
    classes = SaliedgeError.__subclasses__()
    return next((found for found in classes if found.exit_code == exit_code), SaliedgeError)
