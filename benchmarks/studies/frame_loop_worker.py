"""The loop of ``edge-infer`` over frames in memory, each timed from one to the next.

    python -m benchmarks.studies.frame_loop_worker first.edge onnx FRAMES.npy COUNT TURN

Everything between two frames is in the figure: feed, classifier, calm label, statistics. Prints one
JSON line, and takes turns, as ``benchmarks/peers/minimal_loop.py`` does.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.peers.turns import in_turns
from edge_runtime.bundle import open_bundle
from edge_runtime.infer.loop import InferenceLoop
from edge_runtime.infer.statistics import RunStatistics
from edge_runtime.models import LoadOptions, load_classifier
from edge_runtime.sources import CaptureTime, Frame, FrameFeed
from edge_runtime.sources.base import Source


class MemorySource(Source):
    """Frames of an array, in turn; notes when each is asked for."""

    name = "memory"

    def __init__(self, path: str, count: int, turn: int) -> None:
        self._frames = np.load(path)
        self._indices = in_turns(count, turn)
        self.wall: list[int] = []
        self.thread: list[int] = []

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames."""
        for index in self._indices:
            image = self._frames[index % len(self._frames)]
            self.wall.append(time.perf_counter_ns())
            self.thread.append(time.thread_time_ns())
            yield Frame(image, self.name, index, CaptureTime.now(), self.name)


def main(bundle: str, engine: str, frames: str, count: int, turn: int) -> None:
    """Run the loop and print the figures."""
    source = MemorySource(frames, count, turn)
    with load_classifier(open_bundle(bundle), LoadOptions(engine, threads=1)) as classifier:
        InferenceLoop(
            feed=FrameFeed(source, threading.Event()),
            classifier=classifier,
            sinks=[],
            statistics=RunStatistics(),
        ).run()
    wall, thread = (np.diff(times).tolist() for times in (source.wall, source.thread))
    print(json.dumps({"wall_ns": wall, "thread_ns": thread}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
