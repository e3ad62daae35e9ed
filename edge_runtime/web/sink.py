"""The live page as an output of the loop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle.schema import BundleSpec
from edge_runtime.classifier import Prediction
from edge_runtime.sinks.base import Sink
from edge_runtime.sources.base import SourceStatus
from edge_runtime.web.server import PageServer

__all__ = ["LivePageSink"]


class LivePageSink(Sink):
    """Publishes each frame to the viewers of a page. Nothing is stored.

    Args:
        server: The server of the page, started; the sink closes it.
        spec: Returns the record of the bundle that classifies at present.
        dropped: Returns how many frames the loop never took.
    """

    shows_distance = True

    def __init__(
        self,
        server: PageServer,
        spec: Callable[[], BundleSpec],
        dropped: Callable[[], int],
    ) -> None:
        self._server = server
        self._spec = spec
        self._dropped = dropped

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Publish a frame."""
        self._server.view.publish(prediction, self._spec(), self._dropped())

    def source_changed(self, status: SourceStatus) -> None:
        """Publish that the camera was lost, or is back."""
        self._server.view.source_changed(status)

    def close(self, keep: bool) -> None:
        """End the server."""
        self._server.close()
