"""What a run of ``edge-infer`` tells those who watch over it."""

from __future__ import annotations

from edge_runtime.classifier import FrameClassifier
from edge_runtime.models import StoreClassifier
from edge_runtime.service.notify import ServiceManager
from edge_runtime.sinks.base import Sink
from edge_runtime.sinks.service import ServiceSink
from edge_runtime.sinks.trial import TrialSink

__all__ = ["open_service_sinks"]


def open_service_sinks(classifier: FrameClassifier) -> list[Sink]:
    """Return the sinks for the service manager, if one listens, and for a store's model."""
    sinks: list[Sink] = []
    if isinstance(classifier, StoreClassifier):
        sinks.append(TrialSink(classifier))
    manager = ServiceManager.from_environment()
    if manager is not None:
        sinks.append(ServiceSink(manager))
    return sinks
