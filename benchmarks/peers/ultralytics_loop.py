"""ultralytics' own classification loop, timed as ``minimal_loop`` is.

    ENVIRONMENT/bin/python -m benchmarks.peers.ultralytics_loop int8.onnx FRAMES COUNT [TURN]

Runs in an environment that has ultralytics; the model is one of
:mod:`benchmarks.peers.ultralytics_model`. FRAMES, COUNT, TURN and what is printed are as of
:mod:`benchmarks.peers.minimal_loop`.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from benchmarks.peers.minimal_loop import frames_of
from benchmarks.peers.openers import ultralytics

__all__ = ["main"]


def main(model: str, source: str, count: int, turn: int = 0) -> None:
    """Classify the frames."""
    _, classify = ultralytics(model, threads=1)
    wall: list[int] = []
    thread: list[int] = []
    for frame in frames_of(source, count, turn):
        wall.append(time.perf_counter_ns())
        thread.append(time.thread_time_ns())
        top = classify(frame)
        if len(wall) == 1:
            print(top, flush=True)
    times = {"wall_ns": np.diff(wall).tolist(), "thread_ns": np.diff(thread).tolist()}
    print(json.dumps(times))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
