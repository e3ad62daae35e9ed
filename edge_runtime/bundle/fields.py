"""Reading typed fields out of JSON objects that somebody else wrote.

Every function raises ``ValueError`` with the field's name and what was expected; the caller adds
the file and the remedy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

__all__ = [
    "integer",
    "json_object",
    "list_of",
    "text",
    "text_list",
]

Json = dict[str, Any]
_T = TypeVar("_T")
_MISSING: Any = object()


def _get(record: Json, key: str, default: Any, expected: str, accept: Callable[[Any], bool]) -> Any:
    value = record.get(key, default)
    if value is _MISSING:
        raise ValueError(f"the field {key!r} is missing")
    if not accept(value):
        raise ValueError(f"the field {key!r} is not {expected}")
    return value


def text(record: Json, key: str, default: str = _MISSING) -> str:
    """Return a string."""
    return cast("str", _get(record, key, default, "a string", lambda value: isinstance(value, str)))


def integer(record: Json, key: str) -> int:
    """Return a whole number."""
    return cast(
        "int",
        _get(
            record,
            key,
            _MISSING,
            "a whole number",
            lambda value: isinstance(value, int) and not isinstance(value, bool),
        ),
    )


def json_object(record: Json, key: str) -> Json:
    """Return an object as it is."""
    return cast(
        "Json", _get(record, key, _MISSING, "an object", lambda value: isinstance(value, dict))
    )


def text_list(record: Json, key: str) -> tuple[str, ...]:
    """Return an array of strings."""
    items = _get(
        record,
        key,
        _MISSING,
        "an array of strings",
        lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    )
    return tuple(items)


def list_of(record: Json, key: str, build: Callable[[Json], _T]) -> tuple[_T, ...]:
    """Build one thing from each object of an array."""
    items = _get(
        record,
        key,
        _MISSING,
        "an array of objects",
        lambda value: isinstance(value, list) and all(isinstance(item, dict) for item in value),
    )
    built = []
    for index, item in enumerate(items):
        try:
            built.append(build(item))
        except ValueError as error:
            raise ValueError(f"{key}[{index}]: {error}") from error
    return tuple(built)
