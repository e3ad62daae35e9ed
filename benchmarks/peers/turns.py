"""Processes that take turns at one processor, so that all meet the machine in the same state.

What a machine does to a latency changes within a second: its clock, its caches, what runs beside.
Processes that are measured one after the other meet different moments; these change places after
every few frames. A process gives its frames through :func:`in_turns`; :func:`take_turns` runs some.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import IO

__all__ = ["in_turns", "take_turns"]

_WAITS = "waits for its turn"


def in_turns(count: int, turn: int) -> Iterator[int]:
    """Yield the numbers below ``count``; before every ``turn`` of them, wait for one's turn.

    Args:
        count: How many.
        turn: How many are a turn; 0 to go on without waiting for anybody.
    """
    for index in range(count):
        if turn and index % turn == 0:
            print(_WAITS, flush=True)
            if not sys.stdin.readline():
                return
        yield index


def take_turns(
    commands: Sequence[Sequence[str]], turns: int, environment: Mapping[str, str]
) -> list[str]:
    """Run processes in turns, A B, B A, A B, ..., all on the same processor.

    Args:
        commands: Processes that wait as :func:`in_turns` does.
        turns: How many each takes; none waits after its last.
        environment: Of the processes.

    Returns:
        The last line that each printed.

    Raises:
        RuntimeError: A process failed; with the end of what it said.
    """
    with ExitStack() as stack:
        started = []
        for command in commands:
            said = stack.enter_context(tempfile.TemporaryFile("w+"))
            started.append(_Process(command, environment, said, stack))
        for process in started:
            process.until_it_waits()
        for number in range(turns - 1):
            for process in started if number % 2 == 0 else started[::-1]:
                process.go_on()
                process.until_it_waits()
        return [process.last_line() for process in started]


class _Process:
    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        said: IO[str],
        stack: ExitStack,
    ) -> None:
        self._said = said
        self._process = stack.enter_context(
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env=dict(environment),
            )
        )
        stack.callback(self._process.kill)
        os.sched_setaffinity(self._process.pid, {max(os.sched_getaffinity(0))})

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def until_it_waits(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == _WAITS:
                return
        self._fail()

    def last_line(self) -> str:
        self.go_on()
        assert self._process.stdout is not None
        lines = self._process.stdout.read().splitlines()
        if self._process.wait() or not lines:
            self._fail()
        return lines[-1]

    def _fail(self) -> None:
        self._process.wait()
        self._said.seek(0)
        raise RuntimeError(self._said.read().strip()[-300:] or "it said nothing")
