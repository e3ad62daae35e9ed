"""An option of the command line that takes this project's names and those of plug-ins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from edge_runtime.plugins import ExtensionPoint, find_plugin

__all__ = ["PluginChoice"]


class PluginChoice(click.Choice):  # type: ignore[type-arg]  # it takes none in click 8.1
    """One of the given names, which alone are listed, or the name of an installed plug-in.

    Args:
        names: This project's own.
        point: Where the others come from; looked up only for another name.
    """

    def __init__(self, names: Sequence[str], point: ExtensionPoint) -> None:
        super().__init__(names)
        self._point = point

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name, or fail as any choice does."""
        if value not in self.choices and find_plugin(self._point, str(value)) is not None:
            return value
        return super().convert(value, param, ctx)
