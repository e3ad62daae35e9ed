"""A measuring process: one contestant, opened once, that classifies when it is told to.

    python -m benchmarks.peers.process < COMMANDS

The first line of standard input is the task, each further one a command; each is answered by a
line of JSON on standard output. ``{"time": N}`` gives the nanoseconds of N images, one by one,
``{"count": N}`` does N between markers for the counter of instructions, and ``{"classify": true}``
gives the top class of every image.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Task", "load_images", "main", "save_images"]

_TIMED_IMAGES = 16


@dataclass(frozen=True)
class Task:
    """What the process runs.

    Attributes:
        opener: ``module:function``, see :mod:`benchmarks.peers.openers`.
        path: What it opens.
        threads: Threads of the engine.
        images: A ``.npz`` file of images, uint8 ``[H, W, 3]`` each, named by their number.
    """

    opener: str
    path: str
    threads: int
    images: str

    def to_json(self) -> str:
        """Return the first line of the process's input."""
        return json.dumps(asdict(self))


def load_images(path: str) -> list[NDArray[np.uint8]]:
    """Return the images of a ``.npz`` file in the order of their numbers."""
    with np.load(path, allow_pickle=False) as archive:
        return [archive[str(number)] for number in range(len(archive.files))]


def save_images(path: Path, images: Sequence[NDArray[np.uint8]]) -> None:
    """Write images for :func:`load_images`."""
    numbered = {str(number): image for number, image in enumerate(images)}
    np.savez(path, **numbered)  # type: ignore[arg-type]  # names are no keywords of savez


def _serve(task: Task, answers: Any) -> None:
    module, _, function = task.opener.partition(":")
    images = load_images(task.images)
    timed = images[:_TIMED_IMAGES]
    runtime, classify = getattr(import_module(module), function)(task.path, task.threads)
    _answer(answers, {"ready": f"{runtime}, numpy {np.__version__}"})
    position = 0
    for line in sys.stdin:
        command = json.loads(line)
        if "classify" in command:
            _answer(answers, {"classes": [classify(image) for image in images]})
            continue
        if "count" in command:
            gc.collect()
            gc.disable()  # else a collection falls into one of the counts
            for _ in range(command["count"]):
                os.getppid()
                classify(timed[0])
                os.getppid()
            _answer(answers, {"counted": command["count"]})
            continue
        taken = np.zeros(command["time"], np.int64)
        clock = time.perf_counter_ns
        for index in range(len(taken)):
            image = timed[position % len(timed)]
            position += 1
            begin = clock()
            classify(image)
            taken[index] = clock() - begin
        _answer(answers, {"ns": taken.tolist()})


def _answer(answers: Any, record: dict[str, Any]) -> None:
    answers.write(json.dumps(record) + "\n")
    answers.flush()


def main() -> None:
    """Serve one task; see this module. What engines print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _serve(Task(**json.loads(sys.stdin.readline())), answers)


if __name__ == "__main__":
    main()
