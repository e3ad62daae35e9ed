"""Run the project's own commands one after the other, as a user would, and read their results."""

from __future__ import annotations

import json
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_runtime.errors import GateError

__all__ = ["Pipeline", "read_json", "read_predictions"]

_MODULES = {
    "saliedge": "from edge_runtime.cli import main; main()",
    "edge-infer": "from edge_runtime.infer.cli import main; main()",
    "bench": "from benchmarks.cli import main; main()",
}


@dataclass
class Pipeline:
    """Runs commands in child processes and keeps what each one took.

    Attributes:
        seconds: wall-clock seconds by title.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, title: str, command: str, *arguments: str | Path) -> None:
        """Run one command, its output shown.

        Args:
            title: what it is for, printed above it.
            command: ``saliedge``, ``edge-infer`` or ``bench``.
            arguments: as on the command line.

        Raises:
            GateError: the command ended with another exit code than 0.
        """
        words = [str(argument) for argument in arguments]
        print(f"\n=== {title}\n$ {command} {shlex.join(words)}", flush=True)
        started = time.monotonic()
        code = subprocess.run(_child(command, words), check=False).returncode
        self.seconds[title] = time.monotonic() - started
        if code:
            raise GateError(f"{title} failed: {command} ended with exit code {code}; see above.")

    @staticmethod
    def cold_start(command: str, arguments: Iterable[str | Path], runs: int) -> float:
        """Median wall-clock seconds of fresh processes, output thrown away."""
        words = [str(argument) for argument in arguments]
        samples = []
        for _ in range(runs):
            started = time.monotonic()
            subprocess.run(_child(command, words), check=True, capture_output=True)
            samples.append(time.monotonic() - started)
        return statistics.median(samples)


def _child(command: str, words: list[str]) -> list[str]:
    return [sys.executable, "-c", _MODULES[command], *words]


def read_json(path: Path) -> Any:
    """The contents of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_predictions(path: Path) -> dict[str, dict[str, Any]]:
    """The lines that ``edge-infer --jsonl`` wrote, by source."""
    with path.open(encoding="utf-8") as lines:
        return {record["source"]: record for record in map(json.loads, lines)}
