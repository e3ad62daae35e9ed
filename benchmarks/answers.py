"""How a measuring process answers the process that started it: one line of JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

from edge_runtime.errors import DependencyError, SaliedgeError

__all__ = ["read_answer", "write_answer"]


def write_answer(work: Callable[[], dict[str, Any]]) -> None:
    """Do the work of this process and print its result, or the error as a sentence with its code.

    What engines print goes to standard error meanwhile.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        answer = work()
    except SaliedgeError as error:
        answer = {"error": str(error), "exit_code": error.exit_code}
    answers.write(json.dumps(answer))
    answers.close()


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
        raise _error_class(answer["exit_code"])(answer["error"])
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


def _error_class(exit_code: int) -> type[SaliedgeError]:
    """Return the class of an exit code, so that the command ends as its process would have."""
    classes = SaliedgeError.__subclasses__()
    return next((found for found in classes if found.exit_code == exit_code), SaliedgeError)
