"""The size of a network's input on the command line."""

from __future__ import annotations

import click

__all__ = ["Size"]


class Size(click.ParamType[tuple[int, int]]):
    """``N`` or ``HxW`` to height and width."""

    name = "size"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """See the class."""
        height, separator, width = value.lower().partition("x")
        try:
            return int(height), int(width if separator else height)
        except ValueError:
            self.fail(f"{value!r} is neither a side such as 160 nor HxW such as 120x160.")
