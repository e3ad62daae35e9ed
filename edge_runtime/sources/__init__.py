"""Where frames come from: one class each behind one contract, opened by a specification."""

from __future__ import annotations

from edge_runtime.sources.base import BadImageHandler, CaptureTime, Frame, Source
from edge_runtime.sources.latest import FrameFeed, LatestFrame
from edge_runtime.sources.specification import open_camera, open_source

__all__ = [
    "BadImageHandler",
    "CaptureTime",
    "Frame",
    "FrameFeed",
    "LatestFrame",
    "Source",
    "open_camera",
    "open_source",
]
