"""A command that works by itself and also has subcommands, imported when they are used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from edge_runtime.cli import LazyCommand, load_command

__all__ = ["CommandWithSubcommands"]


class CommandWithSubcommands(click.Command):
    """``bench --bundle X`` is the command itself; ``bench emulate ...`` is a subcommand.

    A click group would want its own required options in front of every subcommand.

    Args:
        subcommands: Name -> where it is.
    """

    def __init__(self, *args: Any, subcommands: Mapping[str, LazyCommand], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._subcommands = subcommands

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Hand the arguments to the subcommand if the first one names it."""
        if not args or args[0] not in self._subcommands:
            return super().make_context(info_name, args, parent, **extra)
        name, *rest = args
        command = load_command(f"{info_name} {name}", self._subcommands[name])
        return command.make_context(f"{info_name} {name}", rest, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run this command, or the subcommand that the context was made for."""
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the options, then the subcommands."""
        super().format_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self._subcommands.items()])
