"""What a person sees of a running training: a bar with the time left, or plain lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from train.run.clock import duration

__all__ = ["Reporter", "plain_reporter", "quiet_reporter", "reporting"]


class Reporter(Protocol):
    """Takes messages and steps."""

    def message(self, text: str) -> None:
        """A line that stays."""

    def start(self, description: str, total: int) -> None:
        """A new piece of work of ``total`` steps; an earlier one is over."""

    def advance(self, done: int, detail: str = "", run_left: float | None = None) -> None:
        """``done`` steps of the piece are done.

        Args:
            done: steps.
            detail: how it goes.
            run_left: seconds to the end of all pieces, where that is known.
        """


class _PlainReporter:
    """Lines for logs: messages, and how far it is at most every 30 seconds."""

    _INTERVAL = 30.0

    def __init__(self) -> None:
        self._description, self._total = "", 0
        self._started = self._last = time.monotonic()

    def message(self, text: str) -> None:
        print(text, flush=True)

    def start(self, description: str, total: int) -> None:
        self._description, self._total = description, total
        self._started = self._last = time.monotonic()

    def advance(self, done: int, detail: str = "", run_left: float | None = None) -> None:
        now = time.monotonic()
        if now - self._last < self._INTERVAL or done == 0:
            return
        self._last = now
        left = (now - self._started) / done * (self._total - done)
        # The run's is from all epochs: where this one is slower, the rest of it is the least.
        whole = "" if run_left is None else f", {duration(max(left, run_left))} to the run's end"
        print(
            f"{self._description} {done}/{self._total} {detail}  {duration(left)} left{whole}",
            flush=True,
        )


@contextmanager
def plain_reporter() -> Iterator[Reporter]:
    """Plain lines on standard output."""
    yield _PlainReporter()


class _QuietReporter:
    """Says nothing, for output that machines read."""

    def message(self, text: str) -> None:
        pass

    def start(self, description: str, total: int) -> None:
        pass

    def advance(self, done: int, detail: str = "", run_left: float | None = None) -> None:
        pass


@contextmanager
def quiet_reporter() -> Iterator[Reporter]:
    """No output at all."""
    yield _QuietReporter()


@contextmanager
def reporting() -> Iterator[Reporter]:
    """A bar where standard output is a terminal, else plain lines."""
    if not sys.stdout.isatty():
        with plain_reporter() as plain:
            yield plain
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[run_left]}"),
        TextColumn("{task.fields[detail]}"),
    )
    with bar:
        yield _RichReporter(bar)


class _RichReporter:
    """One bar of rich at a time, messages above it."""

    def __init__(self, bar) -> None:  # type: ignore[no-untyped-def]
        self._bar, self._task = bar, None

    def message(self, text: str) -> None:
        self._bar.console.print(text, highlight=False, markup=False)

    def start(self, description: str, total: int) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(description, total=total, detail="", run_left="")

    def advance(self, done: int, detail: str = "", run_left: float | None = None) -> None:
        left = "" if run_left is None else f"run: {duration(run_left)} left"
        self._bar.update(self._task, completed=done, detail=detail, run_left=left)
