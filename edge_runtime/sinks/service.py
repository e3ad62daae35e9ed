"""Word to the service manager, driven by the frames that are really processed."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import Prediction
from edge_runtime.service.notify import ServiceManager
from edge_runtime.sinks.base import Sink
from edge_runtime.sources.base import SourceStatus

__all__ = ["ServiceSink"]

_STATUS_SECONDS = 10.0


class ServiceSink(Sink):
    """Says that the service is ready at its first frame, and feeds the watchdog by frames only.

    A process that is alive but shows nothing is of no use beside a camera: no thread and no timer
    feeds the watchdog, so a loop that hangs, or a camera that stays away, ends in a restart.

    Args:
        manager: Who listens.
        clock: Seconds that only go forward.
    """

    def __init__(
        self, manager: ServiceManager, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._manager = manager
        self._clock = clock
        self._frames = 0
        self._fed = self._told = clock()
        # Half of the time that the manager waits, as its documentation advises.
        self._feed_seconds = (manager.watchdog_seconds or float("inf")) / 2

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Count a processed frame and pass on that there was one."""
        now = self._clock()
        self._frames += 1
        if self._frames == 1:
            self._manager.ready(self._status(prediction))
        elif now - self._told >= _STATUS_SECONDS:
            self._manager.status(self._status(prediction))
            self._told = now
        if now - self._fed >= self._feed_seconds:
            self._manager.feed_watchdog()
            self._fed = now

    def source_changed(self, status: SourceStatus) -> None:
        """Tell that the camera was lost, or is back."""
        text = f"camera lost: {status.reason}" if status.state == "lost" else "camera back"
        self._manager.status(text)

    def close(self, keep: bool) -> None:
        """Say that the service ends."""
        self._manager.stopping()

    def _status(self, prediction: Prediction) -> str:
        model = prediction.model
        return f"{self._frames} frames; {model.name} {model.sha256[:12]} in {model.engine}"
