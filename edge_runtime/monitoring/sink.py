"""The sink that keeps a run's progress and serves it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import Prediction
from edge_runtime.monitoring.progress import RunProgress
from edge_runtime.monitoring.server import MonitoringServer
from edge_runtime.sinks.base import Sink
from edge_runtime.sources.base import SourceStatus

__all__ = ["MonitoringSink"]


class MonitoringSink(Sink):
    """Counts what a run does, for a server that is closed with it."""

    shows_distance = True

    def __init__(self, progress: RunProgress, server: MonitoringServer) -> None:
        self._progress = progress
        self._server = server

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Count a frame."""
        self._progress.add(prediction)

    def source_changed(self, status: SourceStatus) -> None:
        """Note what became of the camera."""
        self._progress.source_changed(status)

    def close(self, keep: bool) -> None:
        """Stop serving."""
        self._server.close()
