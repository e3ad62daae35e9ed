"""Where predictions go: one class each behind one contract; the names load on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_runtime.first_use import import_on_first_use

if TYPE_CHECKING:
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

__getattr__ = import_on_first_use(
    __name__,
    {
        "JsonLinesSink": "edge_runtime.sinks.json_lines",
        "OverlayFolderSink": "edge_runtime.sinks.overlay",
        "OverlayVideoSink": "edge_runtime.sinks.overlay",
        "RotatingJsonLinesSink": "edge_runtime.sinks.rotating_json_lines",
        "SaliencyFolderSink": "edge_runtime.sinks.saliency",
        "Sink": "edge_runtime.sinks.base",
        "open_overlay_sink": "edge_runtime.sinks.overlay",
        "open_sink": "edge_runtime.sinks.specification",
        "prediction_record": "edge_runtime.sinks.json_lines",
        "source_record": "edge_runtime.sinks.json_lines",
    },
)
