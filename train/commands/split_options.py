"""The options that choose a part of a split, on every command that has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from edge_runtime.option_group import give_options

__all__ = ["split_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--split",
        "part",
        type=click.Choice(["test", "val", "train", "all"]),
        default="test",
        show_default=True,
        help="Which part of the split; `all` for images that were not split.",
    ),
    click.option(
        "--split-from",
        metavar="RUN",
        type=click.Path(path_type=Path),
        help="Take images and split of this run; a bundle otherwise makes its split again from "
        "--data.",
    ),
)


def split_options(command: _Command) -> _Command:
    """Add ``--split``, as ``part``, and ``--split-from``."""
    return give_options(command, _OPTIONS)
