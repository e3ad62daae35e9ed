"""The camera's losses for a model on trial, which they must not be held against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import Prediction
from edge_runtime.models.running import StoreClassifier
from edge_runtime.sinks.base import Sink
from edge_runtime.sources.base import SourceStatus

__all__ = ["TrialSink"]


class TrialSink(Sink):
    """Tells the store's classifier when the camera goes and comes."""

    def __init__(self, classifier: StoreClassifier) -> None:
        self._classifier = classifier

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Do nothing: the classifier counts its frames itself."""

    def source_changed(self, status: SourceStatus) -> None:
        """Pause the count of starts while the camera is away."""
        if status.state == "lost":
            self._classifier.camera_lost()
        else:
            self._classifier.camera_back()

    def close(self, keep: bool) -> None:
        """Do nothing: the classifier is closed by who opened it."""
