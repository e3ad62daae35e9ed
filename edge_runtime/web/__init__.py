"""The live page: what the loop sees and why, in a browser beside the camera.

The loop hands predictions to :class:`LivePageSink`; a server in a thread of its own hands them to
browsers. The page is read-only and loads nothing from outside. Needs the extra ``web``.
"""

from __future__ import annotations

from edge_runtime.web.address import ServeAddress
from edge_runtime.web.server import PageServer, ServeOptions
from edge_runtime.web.sink import LivePageSink
from edge_runtime.web.view import LiveView

__all__ = ["LivePageSink", "LiveView", "PageServer", "ServeAddress", "ServeOptions"]
