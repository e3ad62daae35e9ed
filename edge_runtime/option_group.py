"""Options that belong together: declared, given to a command and taken from it as one record."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

__all__ = ["give_options", "take_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Record = TypeVar("_Record")
Option = Callable[[Any], Any]


def give_options(command: _Command, options: Sequence[Option]) -> _Command:
    """Decorate a click command with options, in the order in which its help lists them."""
    for option in reversed(options):
        command = option(command)
    return command


def take_options(record: type[_Record], arguments: dict[str, Any]) -> _Record:
    """Take the fields of a dataclass out of a command's arguments, and make it of them."""
    names = [entry.name for entry in dataclasses.fields(record)]  # type: ignore[arg-type]
    return record(**{name: arguments.pop(name) for name in names})
