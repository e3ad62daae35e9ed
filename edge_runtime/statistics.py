"""Counting a run: frames, latencies and memory, in constant space however long it lasts."""

from __future__ import annotations

import resource
import sys
import time
from array import array
from collections import Counter
from dataclasses import dataclass

import numpy as np

from edge_runtime.classifier import Prediction

__all__ = ["RunStatistics", "RunSummary", "peak_memory_mib"]

_WINDOW = 1 << 16


@dataclass(frozen=True)
class RunSummary:
    """Figures of a run.

    Attributes:
        frames: Frames that were classified.
        seconds: From the first frame in hand to the last result.
        fps: ``frames / seconds``; 0 without frames.
        latency_ms: ``p50``, ``p90``, ``p99`` of the time from a frame in hand to its prediction
            (``preprocess`` + ``infer``), over the last 65,536 frames. Empty without frames.
        dropped: Frames of a live source that were never taken.
        skipped: Unreadable files that were left out.
        labels: Class -> frames, most frequent first.
        peak_memory_mib: Most resident memory of the process.
    """

    frames: int
    seconds: float
    fps: float
    latency_ms: dict[str, float]
    dropped: int
    skipped: int
    labels: dict[str, int]
    peak_memory_mib: float


class RunStatistics:
    """Collects figures while a loop runs."""

    def __init__(self) -> None:
        self.frames = 0
        self._latencies = array("d")
        self._labels: Counter[str] = Counter()
        self._start: float | None = None
        self._end = 0.0

    def frame_in_hand(self) -> None:
        """Note that a frame has arrived; the first starts the clock."""
        if self._start is None:
            self._start = time.perf_counter()

    def add(self, prediction: Prediction) -> None:
        """Count a finished frame."""
        latency = prediction.timings_ms["preprocess"] + prediction.timings_ms["infer"]
        if len(self._latencies) < _WINDOW:
            self._latencies.append(latency)
        else:
            self._latencies[self.frames % _WINDOW] = latency
        self.frames += 1
        self._labels[prediction.label] += 1
        self._end = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds from the first frame in hand to the last finished one."""
        return max(0.0, self._end - self._start) if self._start is not None else 0.0

    @property
    def fps(self) -> float:
        """Frames a second so far."""
        return self.frames / self.seconds if self.frames and self.seconds > 0 else 0.0

    def summary(self, dropped: int, skipped: int) -> RunSummary:
        """Return the figures so far."""
        latency = {}
        if self._latencies:
            values = np.percentile(np.frombuffer(self._latencies), (50, 90, 99))
            latency = dict(zip(("p50", "p90", "p99"), values.tolist(), strict=True))
        return RunSummary(
            frames=self.frames,
            seconds=self.seconds,
            fps=self.fps,
            latency_ms=latency,
            dropped=dropped,
            skipped=skipped,
            labels=dict(self._labels.most_common()),
            peak_memory_mib=peak_memory_mib(),
        )


def peak_memory_mib() -> float:
    """Return the most resident memory that this process has had, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
