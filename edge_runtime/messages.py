"""Messages to people: one line on standard error, with its priority where the journal reads it."""

from __future__ import annotations

import os
import signal
import sys
from typing import Literal

__all__ = ["Level", "say", "signal_name"]

Level = Literal["error", "warning", "info"]

# Prefixes of sd-daemon(3), which the journal takes off and files the line under.
_PRIORITIES = {"error": "<3>", "warning": "<4>", "info": "<6>"}


def say(text: str, level: Level = "info") -> None:
    """Write a message as one line, at once."""
    line = " ".join(text.split())
    print(f"{_PRIORITIES[level]}{line}" if _journal_reads() else line, file=sys.stderr, flush=True)


def signal_name(number: int) -> str:
    """Return what a signal is called, also one that Python has no name for.

    Examples:
        >>> signal_name(9), signal_name(99)
        ('SIGKILL', 'signal 99')
    """
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _journal_reads() -> bool:
    """Tell whether standard error goes to the journal, as ``JOURNAL_STREAM`` says."""
    stream = os.environ.get("JOURNAL_STREAM")
    if not stream:
        return False
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):  # no descriptor: a test's or an embedding program's stream
        return False
    return stream == f"{status.st_dev}:{status.st_ino}"
