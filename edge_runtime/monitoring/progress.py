"""What has happened in a run so far: written by its loop, read by the threads of a server."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING

from edge_runtime.quick_dataclass import dataclass

if TYPE_CHECKING:  # a health check, which is started often, then costs no numpy
    from edge_runtime.classifier import ModelIdentity, Prediction
    from edge_runtime.sources.base import SourceStatus

__all__ = ["LATENCY_BUCKETS", "ProgressSnapshot", "RunProgress"]

LATENCY_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Upper ends of the histogram of seconds from a frame in hand to its prediction."""


@dataclass(frozen=True)
class ProgressSnapshot:
    """The state of a run at one moment.

    Attributes:
        frames: Frames that were classified.
        labels: Class -> frames.
        uncertain: Frames whose probability was below the operating point.
        unfamiliar: Frames that lay far from the training images.
        stage_seconds: Stage -> seconds spent in it so far.
        latency_counts: Frames in each bucket of :data:`LATENCY_BUCKETS`, and above the last.
        latency_seconds: Sum of all latencies.
        frame_age_seconds: How old the last frame was at its prediction; None before the first.
        since_last_seconds: Seconds since the last frame was classified; None before the first.
        model: What made the last prediction; None before the first.
        on_trial: Whether that model has still to prove itself.
        camera_up: False while the camera is lost.
        camera_losses: How often it was lost.
        dropped: Frames that were never taken.
    """

    frames: int
    labels: dict[str, int]
    uncertain: int
    unfamiliar: int
    stage_seconds: dict[str, float]
    latency_counts: tuple[int, ...]
    latency_seconds: float
    frame_age_seconds: float | None
    since_last_seconds: float | None
    model: ModelIdentity | None
    on_trial: bool
    camera_up: bool
    camera_losses: int
    dropped: int


@dataclass
class RunProgress:
    """Collects what happens in a run, in constant space.

    Attributes:
        dropped: Tells how many frames were never taken.
        on_trial: Tells whether the present model has still to prove itself.
        clock: Seconds that only go forward.
    """

    dropped: Callable[[], int] = lambda: 0
    on_trial: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _model: ModelIdentity | None = None
    _age: float = 0.0
    _last_at: float = 0.0
    _frames: int = 0
    _uncertain: int = 0
    _unfamiliar: int = 0
    _labels: Counter[str] = field(default_factory=Counter)
    _stage_seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _latency_counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BUCKETS) + 1))
    _latency_seconds: float = 0.0
    _camera_up: bool = True
    _camera_losses: int = 0

    def add(self, prediction: Prediction) -> None:
        """Count a classified frame. Of the prediction no picture is kept."""
        timings = prediction.timings_ms
        latency = (timings.get("preprocess", 0.0) + timings.get("infer", 0.0)) / 1e3
        assessment = prediction.assessment
        with self._lock:
            self._frames += 1
            self._labels[prediction.label] += 1
            for stage, milliseconds in timings.items():
                self._stage_seconds[stage] += milliseconds / 1e3
            self._latency_counts[bisect_left(LATENCY_BUCKETS, latency)] += 1
            self._latency_seconds += latency
            if assessment is not None:
                self._uncertain += bool(assessment.uncertain)
                self._unfamiliar += bool(assessment.unfamiliar)
            self._age = prediction.age_ms / 1e3
            self._model = prediction.model
            self._last_at = self.clock()

    def source_changed(self, status: SourceStatus) -> None:
        """Note that the camera was lost or is back."""
        with self._lock:
            self._camera_up = status.state == "live"
            self._camera_losses = status.losses

    def snapshot(self) -> ProgressSnapshot:
        """Return the present state."""
        dropped, on_trial = self.dropped(), self.on_trial()
        with self._lock:
            began = self._frames > 0
            return ProgressSnapshot(
                frames=self._frames,
                labels=dict(self._labels),
                uncertain=self._uncertain,
                unfamiliar=self._unfamiliar,
                stage_seconds=dict(self._stage_seconds),
                latency_counts=tuple(self._latency_counts),
                latency_seconds=self._latency_seconds,
                frame_age_seconds=self._age if began else None,
                since_last_seconds=self.clock() - self._last_at if began else None,
                model=self._model,
                on_trial=on_trial,
                camera_up=self._camera_up,
                camera_losses=self._camera_losses,
                dropped=dropped,
            )
