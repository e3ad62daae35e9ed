"""Where predictions go: one class each behind one contract."""

from __future__ import annotations

from edge_runtime.sinks.base import Sink
from edge_runtime.sinks.json_lines import JsonLinesSink, prediction_record, source_record
from edge_runtime.sinks.overlay import OverlayFolderSink, OverlayVideoSink, open_overlay_sink
from edge_runtime.sinks.rotating_json_lines import RotatingJsonLinesSink
from edge_runtime.sinks.saliency import SaliencyFolderSink
from edge_runtime.sinks.specification import open_sink

__all__ = [
    "JsonLinesSink",
    "OverlayFolderSink",
    "OverlayVideoSink",
    "RotatingJsonLinesSink",
    "SaliencyFolderSink",
    "Sink",
    "open_overlay_sink",
    "open_sink",
    "prediction_record",
    "source_record",
]
