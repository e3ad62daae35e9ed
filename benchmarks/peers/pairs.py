"""Timing all contestants in turn: a round of fresh processes, whose bursts are interleaved.

What slows the machine down for a while hits a burst of each contestant, and a ratio is of bursts of
the same round. The order turns by one from burst to burst, so that nobody always follows the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from benchmarks.exchange import hand_over
from benchmarks.peers.contestants import Contestant
from benchmarks.peers.process import Task
from edge_runtime.closing import Closing
from edge_runtime.errors import SaliedgeError

__all__ = ["Entrant", "Process", "Timing", "time_pairs"]

_REPOSITORY = Path(__file__).resolve().parents[2]
# Seconds after which the threads of a pool have given up waiting for more work in a loop; until
# then they would take the processor from whoever is next.
_PAUSE = 0.05


@dataclass(frozen=True)
class Entrant:
    """A contestant that takes part.

    Attributes:
        contestant: Who.
        path: What its opener opens.
        images: The ``.npz`` file of its task.
        python: The Python that runs it.
    """

    contestant: Contestant
    path: Path
    images: Path
    python: Path = Path(sys.executable)


@dataclass
class Timing:
    """Latencies of one entrant.

    Attributes:
        runtime: What ran it, with versions.
        rounds_ns: Nanoseconds of every timed image, round by round.
    """

    runtime: str = ""
    rounds_ns: list[list[int]] = field(default_factory=list)

    def milliseconds(self, percentile: float) -> list[float]:
        """A percentile of each round."""
        return [float(np.percentile(taken, percentile)) / 1e6 for taken in self.rounds_ns]


class Process(Closing):
    """A measuring process, ended when it is left.

    Raises:
        SaliedgeError: It died or answered nothing; the sentence has its last line.
    """

    def __init__(self, entrant: Entrant, threads: int) -> None:
        self.name = entrant.contestant.name
        self._said = TemporaryFile("w+")  # noqa: SIM115  # closed by `close`
        task = Task(entrant.contestant.opener, str(entrant.path), threads, str(entrant.images))
        self._process = subprocess.Popen(
            [str(entrant.python), "-m", "benchmarks.peers.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            cwd=_REPOSITORY,
        )
        self.runtime = str(self._exchange(task.to_json())["ready"])

    def ask(self, **command: object) -> dict[str, list[int]]:
        """Send a command of :mod:`benchmarks.peers.process` and wait for the answer."""
        return self._exchange(json.dumps(command))

    def _exchange(self, line: str) -> dict[str, list[int]]:
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        hand_over(process.stdin, line + "\n")
        answer = process.stdout.readline()
        if not answer:
            process.wait()
            self._said.seek(0)
            said = self._said.read().strip().splitlines()
            raise SaliedgeError(
                f"{self.name} cannot be run here ({said[-1][:300] if said else 'it said nothing'})."
            )
        found: dict[str, list[int]] = json.loads(answer)
        return found

    def close(self) -> None:
        """End the process."""
        process = self._process
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        self._said.close()


def _close_all(running: dict[str, Process]) -> None:
    for process in running.values():
        process.close()


def time_pairs(
    entrants: Sequence[Entrant],
    threads: int,
    *,
    rounds: int,
    bursts: int = 4,
    frames: int = 15,
    warm_up: int = 10,
    renewed_after: int = 1,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Timing]:
    """Time all entrants, and return what was measured by name.

    Args:
        entrants: Who takes part; all of them are loaded at once.
        threads: Threads of each engine.
        rounds: Pairs.
        bursts: Turns of each in a round.
        frames: Images of a turn.
        warm_up: Images before the first turn of a process.
        renewed_after: Rounds after which every process is replaced by a fresh one, if not later.
        tell: Told the number of each round.

    Raises:
        SaliedgeError: A process failed.
    """
    timings = {entrant.contestant.name: Timing() for entrant in entrants}
    running: dict[str, Process] = {}
    with ExitStack() as stack:
        stack.callback(_close_all, running)
        for number in range(rounds):
            tell(f"round {number + 1} of {rounds}, {threads} thread(s)")
            for entrant in entrants:
                name = entrant.contestant.name
                if number % max(renewed_after, entrant.contestant.rounds_a_process) == 0:
                    if name in running:
                        running.pop(name).close()
                    running[name] = Process(entrant, threads)
                    running[name].ask(time=warm_up)
                    timings[name].runtime = running[name].runtime
                timings[name].rounds_ns.append([])
            names = list(timings)
            for burst in range(bursts):
                turn = (number * bursts + burst) % len(names)
                for name in (*names[turn:], *names[:turn]):
                    if threads > 1:
                        time.sleep(_PAUSE)
                    timings[name].rounds_ns[-1] += running[name].ask(time=frames)["ns"]
    return timings
