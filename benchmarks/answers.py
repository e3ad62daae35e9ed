"""How a measuring process answers the process that started it: lines of JSON, mostly one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge_runtime.errors import DependencyError, SaliedgeError

__all__ = ["child_environment", "error_class", "read_answer", "stream_answers", "write_answer"]


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
            f"{signal.Signals(-ended.returncode).name}; if the memory is too small for it, leave "
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
