"""One line on a terminal that is written over while something is measured."""

from __future__ import annotations

import shutil
import sys

import click

from edge_runtime.closing import Closing

__all__ = ["StatusLine"]


class StatusLine(Closing):
    """Shows what happens now; nothing where standard error is no terminal.

    As a context manager it clears the line at the end, whatever the end is.
    """

    def __init__(self) -> None:
        self._enabled = sys.stderr.isatty()
        self._shown = False

    def show(self, text: str) -> None:
        """Write over the line."""
        if self._enabled:
            width = shutil.get_terminal_size().columns - 1
            click.echo(f"\r\x1b[2K{text[:width]}", nl=False, err=True)
            self._shown = True

    def close(self) -> None:
        """Clear the line."""
        if self._shown:
            click.echo("\r\x1b[2K", nl=False, err=True)
