"""Where frames come from: one class each behind one contract, opened by a specification."""

from __future__ import annotations

from edge_runtime.sources.base import BadImageHandler, CaptureTime, Frame, Source, SourceStatus
from edge_runtime.sources.feed import AbsentSource, FrameFeed, Reconnection
from edge_runtime.sources.latest import LatestFrame
from edge_runtime.sources.specification import CameraOptions, open_camera, open_source

__all__ = [
    "AbsentSource",
    "BadImageHandler",
    "CameraOptions",
    "CaptureTime",
    "Frame",
    "FrameFeed",
    "LatestFrame",
    "Reconnection",
    "Source",
    "SourceStatus",
    "open_camera",
    "open_source",
]
