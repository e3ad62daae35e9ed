"""Counting a run: frames, latencies and memory, in constant space however long it lasts."""

from __future__ import annotations

import resource
import sys
import time
from array import array
from collections import Counter

import numpy as np

from edge_runtime.classifier import Prediction
from edge_runtime.quick_dataclass import dataclass

__all__ = ["RunStatistics", "RunSummary", "peak_memory_mib"]

# Few enough that memory is steady after minutes, many enough for a 99th percentile.
_WINDOW = 1 << 13


@dataclass(frozen=True)
class RunSummary:
    """Figures of a run.

    Attributes:
        frames: Frames that were classified.
        seconds: From the first frame in hand to the last result.
        fps: ``frames / seconds``; 0 without frames.
        latency_ms: ``p50``, ``p90``, ``p99`` of the time from a frame in hand to its prediction
            (``preprocess`` + ``infer``), over the last 8,192 frames. Empty without frames.
        age_ms: The same of the time from taking a frame to its prediction.
        dropped: Frames of a live source that were never taken.
        skipped: Unreadable files that were left out.
        losses: How often the camera was lost.
        labels: Class -> frames, most frequent first.
        doubtful: Frames whose label should not be relied on.
        doubts: Reason -> frames, most frequent first; a frame may have two.
        only: The prediction of the only frame; None if there were none or more.
        peak_memory_mib: Most resident memory of the process.
    """

    frames: int
    seconds: float
    fps: float
    latency_ms: dict[str, float]
    age_ms: dict[str, float]
    dropped: int
    skipped: int
    losses: int
    labels: dict[str, int]
    doubtful: int
    doubts: dict[str, int]
    only: Prediction | None
    peak_memory_mib: float


class _Window:
    """The latest values of a quantity, a bounded number of them."""

    def __init__(self) -> None:
        self._values = array("d")
        self._count = 0

    def add(self, value: float) -> None:
        """Take one more value."""
        if len(self._values) < _WINDOW:
            self._values.append(value)
        else:
            self._values[self._count % _WINDOW] = value
        self._count += 1

    def percentiles(self) -> dict[str, float]:
        """Return ``p50``, ``p90`` and ``p99``; empty without values."""
        if not self._values:
            return {}
        values = np.percentile(np.frombuffer(self._values), (50, 90, 99))
        return dict(zip(("p50", "p90", "p99"), values.tolist(), strict=True))


class RunStatistics:
    """Collects figures while a loop runs."""

    def __init__(self) -> None:
        self.frames = 0
        self._latencies = _Window()
        self._ages = _Window()
        self._labels: Counter[str] = Counter()
        self._doubtful = 0
        self._doubts: Counter[str] = Counter()
        self._only: Prediction | None = None
        self._start: float | None = None
        self._end = 0.0

    def frame_in_hand(self) -> None:
        """Note that a frame has arrived; the first starts the clock."""
        if self._start is None:
            self._start = time.perf_counter()

    def add(self, prediction: Prediction) -> None:
        """Count a finished frame."""
        latency = prediction.timings_ms["preprocess"] + prediction.timings_ms["infer"]
        self._latencies.add(latency)
        self._ages.add(prediction.age_ms)
        self.frames += 1
        self._only = prediction if self.frames == 1 else None
        self._labels[prediction.label] += 1
        doubts = prediction.assessment.doubts if prediction.assessment is not None else ()
        self._doubtful += bool(doubts)
        self._doubts.update(doubts)
        self._end = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds from the first frame in hand to the last finished one."""
        return max(0.0, self._end - self._start) if self._start is not None else 0.0

    @property
    def fps(self) -> float:
        """Frames a second so far."""
        return self.frames / self.seconds if self.frames and self.seconds > 0 else 0.0

    def summary(self, dropped: int, skipped: int, losses: int = 0) -> RunSummary:
        """Return the figures so far."""
        return RunSummary(
            frames=self.frames,
            seconds=self.seconds,
            fps=self.fps,
            latency_ms=self._latencies.percentiles(),
            age_ms=self._ages.percentiles(),
            dropped=dropped,
            skipped=skipped,
            losses=losses,
            labels=dict(self._labels.most_common()),
            doubtful=self._doubtful,
            doubts=dict(self._doubts.most_common()),
            only=self._only,
            peak_memory_mib=peak_memory_mib(),
        )


def peak_memory_mib() -> float:
    """Return the most resident memory that this process has had, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
