"""The options of ``edge-infer`` for the live page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from edge_runtime.errors import UsageError
from edge_runtime.option_group import give_options, take_options
from edge_runtime.quick_dataclass import dataclass

__all__ = ["PageOptions", "page_options", "take_page"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class PageOptions:
    """The options, as given; see :func:`page_options` for what each means."""

    serve: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    token_file: str | None = None
    max_viewers: int = 8

    def __post_init__(self) -> None:
        if self.serve is None and (self.tls_cert or self.tls_key or self.token_file):
            raise UsageError("--tls-cert, --tls-key and --token-file are for --serve.")


_OPTIONS = (
    click.option(
        "--serve",
        is_flag=False,
        flag_value="127.0.0.1:8642",
        metavar="[HOST:PORT]",
        help="Serve the live page; without HOST:PORT on 127.0.0.1:8642, for this machine alone. "
        "Elsewhere a token is asked for. Needs the extra web.",
    ),
    click.option("--tls-cert", metavar="FILE", help="Certificate chain (PEM) to serve over HTTPS."),
    click.option("--tls-key", metavar="FILE", help="Its key (PEM)."),
    click.option(
        "--token-file",
        metavar="FILE",
        help="Token of the page, 16 characters or more; without it one is made at each start.",
    ),
    click.option(
        "--max-viewers",
        type=click.IntRange(min=1, max=32),
        default=PageOptions.max_viewers,
        show_default=True,
        metavar="N",
        help="Viewers of the page at the same time.",
    ),
)


def page_options(command: _Command) -> _Command:
    """Give a click command the options of :class:`PageOptions`."""
    return give_options(command, _OPTIONS)


def take_page(arguments: dict[str, Any]) -> PageOptions:
    """Take the options out of a command's arguments."""
    return take_options(PageOptions, arguments)
