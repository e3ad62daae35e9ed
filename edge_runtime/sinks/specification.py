"""What ``--sink`` says, and opening it: all sinks by name are those of other packages."""

from __future__ import annotations

from edge_runtime import plugins
from edge_runtime.errors import UsageError
from edge_runtime.sinks.base import Sink

__all__ = ["open_sink"]


def open_sink(specification: str, force: bool = False) -> Sink:
    """Open ``NAME`` or ``NAME=ARGUMENT``.

    Args:
        specification: The plug-in's name, and what it is told, which is its own matter.
        force: Whether it may replace earlier outputs.

    Raises:
        UsageError: No installed package adds such a sink.
        DependencyError: The plug-in cannot be imported or opened.
        SaliedgeError: What the plug-in itself tells the user.
    """
    name, _, argument = specification.partition("=")
    plugin = plugins.find_plugin(plugins.SINKS, name)
    if plugin is None:
        known = plugins.names_of_plugins(plugins.SINKS)
        raise UsageError(
            f"There is no sink {name!r}; "
            + (f"choose one of: {', '.join(known)}." if known else "no installed package adds any.")
        )
    sink: Sink = plugin.make(Sink, argument, force)
    return sink
