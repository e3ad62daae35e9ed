"""The process that classifies for minutes, in the loop that ``edge-infer`` runs.

``python -m benchmarks.sustained.worker`` takes a task on standard input (one line of JSON, then the
bytes of the frames) and answers with lines of JSON: one when it has warmed up, one for each window,
and one at the end.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from benchmarks.configurations import Configuration
from benchmarks.exchange import read_frames, read_task, stream_answers
from benchmarks.sustained.windows import WindowCollector
from benchmarks.worker import check_unchanged
from benchmarks.workload import Workload
from edge_runtime.bundle import open_bundle
from edge_runtime.infer.loop import InferenceLoop
from edge_runtime.infer.statistics import RunStatistics
from edge_runtime.models import LoadOptions, load_classifier
from edge_runtime.sources import CaptureTime, Frame, FrameFeed
from edge_runtime.sources.base import Source
from edge_runtime.sources.specification import open_camera

__all__ = ["PreparedSource", "SustainedTask", "main", "run_task"]


@dataclass(frozen=True)
class SustainedTask:
    """What the process does.

    Attributes:
        folder: Path of the bundle.
        sha256: Identity that it must have.
        configuration: Engine and map; the precision is INT8.
        workload: Threads, frames to warm up and the size of the frames; ``frames`` and ``rounds``
            do not count here.
        seconds: How long.
        window_seconds: Length of a window.
        rate: Frames a second that a source gives like a camera; 0 for one after the other.
        camera: A camera's name in place of the prepared frames, or None.
    """

    folder: str
    sha256: str
    configuration: Configuration
    workload: Workload
    seconds: float
    window_seconds: float
    rate: float = 0.0
    camera: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> SustainedTask:
        """Build from the JSON object of :meth:`to_json`."""
        nested = {
            "configuration": Configuration.from_json(record["configuration"]),
            "workload": Workload.from_json(record["workload"]),
        }
        return cls(**{**record, **nested})


class PreparedSource(Source):
    """Frames in memory, in turn and without end: all at once, or at a camera's pace.

    Drawing them while something is measured would heat the processor with other work.

    Args:
        frames: uint8 ``[N, H, W, 3]``, RGB.
        rate: Frames a second, the newest at hand and late ones lost; 0 for as they are taken.
    """

    name = "prepared"

    def __init__(self, frames: NDArray[np.uint8], rate: float = 0.0) -> None:
        self.live = rate > 0
        self.fps = rate or None
        self._frames = frames
        self._rate = rate

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames."""
        start, index = time.monotonic(), 0
        while True:
            if self._rate:
                time.sleep(max(0.0, start + index / self._rate - time.monotonic()))
            image = self._frames[index % len(self._frames)]
            yield Frame(image, self.name, index, CaptureTime.now(), self.name)
            index += 1


def run_task(
    task: SustainedTask,
    read_frames: Callable[[], NDArray[np.uint8]],
    tell: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Classify until the time is over.

    Args:
        task: What to do.
        read_frames: Gives uint8 ``[N, H, W, 3]``.
        tell: Takes a JSON object for each window.

    Returns:
        What is known at the end: ``engine_version``, and the frames that were ``dropped``.

    Raises:
        SaliedgeError: The graph, the engine or the camera cannot be used.
    """
    bundle = open_bundle(task.folder)
    check_unchanged(bundle, task.sha256)
    configuration = task.configuration
    options = LoadOptions(
        configuration.engine, configuration.saliency, threads=task.workload.threads
    )
    with load_classifier(bundle, options) as classifier:
        stopping = threading.Event()
        sink = WindowCollector(
            warmup=task.workload.warmup,
            length=task.window_seconds,
            seconds=task.seconds,
            draws=configuration.saliency != "none",
            begin=lambda: tell({"begin": True}),
            tell=lambda window: tell({"window": window.to_json()}),
            stopping=stopping,
        )
        source = (
            PreparedSource(read_frames(), task.rate)
            if task.camera is None
            else open_camera(task.camera)
        )
        feed = FrameFeed(source, stopping)
        InferenceLoop(feed, classifier, [sink], RunStatistics()).run()
        return {"engine_version": classifier.engine.version, "dropped": feed.dropped}


def main() -> None:
    """Serve one task; see this module."""
    stream_answers(lambda tell: {"end": _serve(sys.stdin.buffer, tell)})


def _serve(stream: BinaryIO, tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    task = SustainedTask.from_json(read_task(stream))
    return run_task(task, lambda: read_frames(stream, task.workload), tell)


if __name__ == "__main__":
    main()
