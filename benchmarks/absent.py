"""What could not be read, and why: never a zero that looks like a measurement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Absent", "of_all", "or_absent", "to_json"]

_Value = TypeVar("_Value")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Absent:
    """Stands where a figure would be.

    In JSON it is ``{"absent": reason}``, so a reader that expects a number cannot overlook it.

    Attributes:
        reason: Why there is no figure, for people.
    """

    reason: str

    def __post_init__(self) -> None:
        if not self.reason:
            raise ValueError("an absent figure needs its reason")


def to_json(value: Any) -> Any:
    """Return a figure as it is, and an :class:`Absent` as ``{"absent": reason}``."""
    return {"absent": value.reason} if isinstance(value, Absent) else value


def or_absent(record: Any, read: Callable[[Any], _Value]) -> _Value | Absent:
    """Read what :func:`to_json` wrote.

    Args:
        record: A JSON value.
        read: Makes the figure of a value that is not absent; raises ``ValueError`` or
            ``TypeError`` for one that is wrong.
    """
    if isinstance(record, dict) and set(record) == {"absent"}:
        return Absent(str(record["absent"]))
    return read(record)


def of_all(
    figure: Callable[[Sequence[_Value]], _Result], values: Sequence[_Value | Absent]
) -> _Result | Absent:
    """Make one figure of many; if any of them is absent, so is the figure, for the first's reason.

    Examples:
        >>> of_all(max, [3, 7, 5])
        7
        >>> of_all(max, [3, Absent("no sensor"), 5])
        Absent(reason='no sensor')
    """
    known: list[_Value] = []
    for value in values:
        if isinstance(value, Absent):
            return value
        known.append(value)
    return figure(known)
