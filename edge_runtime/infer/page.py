"""The live page of a run of ``edge-infer``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.classifier import FrameClassifier
from edge_runtime.infer.page_options import PageOptions
from edge_runtime.messages import say

if TYPE_CHECKING:
    from edge_runtime.sinks.base import Sink
    from edge_runtime.sources.feed import FrameFeed
    from edge_runtime.web import LiveView

__all__ = ["open_page", "open_view"]


def open_view(options: PageOptions) -> LiveView | None:
    """Return what the page will show, if it is asked for.

    Raises:
        DependencyError: The extra ``web`` is not installed.
    """
    if options.serve is None:
        return None
    from edge_runtime.web import LiveView

    return LiveView()


def open_page(
    options: PageOptions, view: LiveView, classifier: FrameClassifier, feed: FrameFeed
) -> Sink:
    """Serve the page and say where it is; a generated token is said once.

    Args:
        options: The options.
        view: What it shows.
        classifier: What classifies; its bundle may change.
        feed: Where the frames come from.

    Raises:
        UsageError: The address, certificate or token cannot be used.
        OutputError: The address cannot be listened on.
    """
    from edge_runtime.web import LivePageSink, PageServer, ServeAddress, ServeOptions

    server = PageServer(
        ServeOptions(
            ServeAddress.parse(str(options.serve)),
            _path(options.tls_cert),
            _path(options.tls_key),
            _path(options.token_file),
            options.max_viewers,
        ),
        view,
    )
    say(f"Live page: {server.url}")
    if server.warning:
        say(f"Warning: {server.warning}", "warning")
    return LivePageSink(server, lambda: classifier.bundle.spec, lambda: feed.dropped)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
