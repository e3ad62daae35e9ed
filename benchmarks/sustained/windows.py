"""Stretches of a long run: how many frames, how fast, how old."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import Prediction
from edge_runtime.sinks.base import Sink

__all__ = ["STAGES", "Window", "WindowCollector"]

STAGES = ("capture", "preprocess", "infer", "explain", "present")
"""Stages of the loop, in order; the last two only where a map is drawn."""


@dataclass(frozen=True)
class Window:
    """What happened between two moments of a run.

    Attributes:
        seconds: Its end, seconds after the first counted frame was asked for.
        frames: Frames finished in it, at least one.
        duration: Its length in seconds.
        stages_ms: Stage -> median milliseconds; see :data:`STAGES`.
        infer_p90_ms: 90th percentile of the inference.
        infer_max_ms: Longest inference.
        age_p50_ms: Median age of a frame when its prediction, and its picture if one is drawn,
            were ready.
        age_max_ms: Greatest age.
    """

    seconds: float
    frames: int
    duration: float
    stages_ms: dict[str, float]
    infer_p90_ms: float
    infer_max_ms: float
    age_p50_ms: float
    age_max_ms: float

    def __post_init__(self) -> None:
        if self.frames < 1 or self.duration <= 0 or "infer" not in self.stages_ms:
            raise ValueError("a window needs frames, a duration and the time of the inference")

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.frames / self.duration

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Window:
        """Build from a JSON object; ``ValueError`` or ``KeyError`` says what is wrong with it."""
        return cls(
            seconds=float(record["seconds"]),
            frames=int(record["frames"]),
            duration=float(record["duration"]),
            stages_ms={str(name): float(value) for name, value in record["stages_ms"].items()},
            infer_p90_ms=float(record["infer_p90_ms"]),
            infer_max_ms=float(record["infer_max_ms"]),
            age_p50_ms=float(record["age_p50_ms"]),
            age_max_ms=float(record["age_max_ms"]),
        )


class WindowCollector(Sink):
    """Collects the predictions of a loop into windows and ends the loop when the time is over.

    Args:
        warmup: First frames, which are not counted.
        length: Seconds of a window at least; it ends with a frame.
        seconds: Of all windows together, after which ``stopping`` is set.
        draws: Whether the map is to be drawn on the picture.
        begin: Called when the warm-up is over and the time starts.
        tell: Takes each window when it is over.
        stopping: Ends the loop.
    """

    def __init__(
        self,
        warmup: int,
        length: float,
        seconds: float,
        draws: bool,
        begin: Callable[[], None],
        tell: Callable[[Window], None],
        stopping: threading.Event,
    ) -> None:
        self.wants_picture = draws
        self._warmup, self._length, self._seconds = warmup, length, seconds
        self._tell_begin, self._tell = begin, tell
        self._stopping = stopping
        self._start: float | None = None
        self._opened = 0.0
        self._stages: list[dict[str, float]] = []
        self._ages: list[float] = []
        if not warmup:
            self._begin()

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Count a frame."""
        if self._start is None:
            self._warmup -= 1
            if self._warmup <= 0:
                self._begin()
            return
        now = time.monotonic()
        self._stages.append(dict(prediction.timings_ms))
        self._ages.append((now - prediction.frame.captured_at.monotonic) * 1e3)
        over = now - self._start >= self._seconds
        if over or now - self._opened >= self._length:
            self._end_window(now)
        if over:
            self._stopping.set()

    def close(self, keep: bool) -> None:
        """Tell the window that the end of the frames has cut short."""
        if keep and self._stages and self._start is not None:
            self._end_window(time.monotonic())

    def _begin(self) -> None:
        self._tell_begin()
        self._start = self._opened = time.monotonic()

    def _end_window(self, now: float) -> None:
        assert self._start is not None
        infer = [stages["infer"] for stages in self._stages]
        medians = {
            stage: float(np.median([stages[stage] for stages in self._stages]))
            for stage in STAGES
            if all(stage in stages for stages in self._stages)
        }
        self._tell(
            Window(
                seconds=now - self._start,
                frames=len(infer),
                duration=max(now - self._opened, 1e-9),
                stages_ms=medians,
                infer_p90_ms=float(np.percentile(infer, 90)),
                infer_max_ms=max(infer),
                age_p50_ms=float(np.median(self._ages)),
                age_max_ms=max(self._ages),
            )
        )
        self._opened = now
        self._stages, self._ages = [], []
