"""Frozen dataclasses that are JSON objects: one declaration reads, writes and describes them.

A class that derives from :class:`Record` gets ``to_json`` and ``from_json`` from the types of its
fields, and ``json_schema``, whose descriptions are those of its docstring, so that what is
documented is what is read.

    @dataclass(frozen=True)
    class Gate(Record):
        name: str
        value: float
        comparison: Literal[">=", "<="] = ">="

A field without a default must be there. Types: ``str``, ``int``, ``float`` (finite), ``bool``,
``Literal`` of strings, another record (or any class with ``to_json``, ``from_json`` and
``json_schema``), a tuple or a mapping by name of these, an object as it is (``Mapping[str, Any]``),
and any of them ``| None``. :func:`entry` says more of a field.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Self, Union, cast, get_args, get_origin

from edge_runtime.quick_dataclass import dataclass

__all__ = ["Record", "attribute_texts", "entry", "is_json_number"]

Json = dict[str, Any]


@dataclass(frozen=True)
class _Kind:
    """How one type is told, read, written and described.

    Attributes:
        expected: words for the sentence, such as ``a whole number``.
        accepts: whether a JSON value has the form; what is inside is judged by ``read``.
        read: from JSON to the field's value.
        write: back.
        schema: gives the JSON Schema, draft 2020-12; reading needs none, so that it is made only
            when it is asked for.
        choices: all values, of a literal.
    """

    expected: str
    accepts: Callable[[Any], bool]
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    schema: Callable[[], Json]
    choices: tuple[str, ...] = ()


def is_json_number(value: Any) -> bool:
    """Tell whether a value is a number that float64 can hold (JSON's ``true`` is none)."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of more than 308 digits
        return False


@dataclass(frozen=True)
class _Entry:
    key: str
    absent_if_none: bool
    schema: Json = dataclasses.field(hash=False)


def entry(*, key: str = "", absent_if_none: bool = False, **schema: Any) -> _Entry:
    """Say more of a field than its type: ``Annotated[int, entry(minimum=0)]``.

    Args:
        key: name in JSON, where it is no Python name.
        absent_if_none: leave it out instead of writing null.
        **schema: further keywords of JSON Schema. They describe; the class's ``__post_init__``
            checks.
    """
    return _Entry(key, absent_if_none, schema)


class Record:
    """Base of the classes; see this module.

    Examples:
        >>> @dataclass(frozen=True)
        ... class Limit(Record):
        ...     value: float
        ...     comparison: Literal[">=", "<="] = ">="
        >>> Limit.from_json({"value": 0.5})
        Limit(value=0.5, comparison='>=')
        >>> Limit.from_json({"value": "half"})
        Traceback (most recent call last):
        ValueError: the field 'value' is not a finite number
    """

    def __post_init__(self) -> None:
        """Refuse a value that is none of its field's literals.

        Raises:
            ValueError: The sentence names the field.
        """
        for field in _fields(type(self)):
            choices = field.kind.choices
            value = getattr(self, field.name)
            if choices and value not in choices:
                raise ValueError(f"{field.name} must be one of {', '.join(choices)}, not {value!r}")

    def to_json(self) -> Json:
        """Return the JSON object that :meth:`from_json` reads."""
        record: Json = {}
        for field in _fields(type(self)):
            value = getattr(self, field.name)
            if value is not None or not field.absent_if_none:
                record[field.key] = field.kind.write(value)
        return record

    @classmethod
    def from_json(cls, record: Json) -> Self:
        """Build from a JSON object; fields that are not known are ignored.

        Raises:
            ValueError: The sentence names the field that is missing or wrong.
        """
        values: Json = {}
        for field in _fields(cls):
            if field.key in record:
                values[field.name] = _read(field, record[field.key])
            elif field.required:
                raise ValueError(f"the field {field.key!r} is missing")
        return cls(**values)

    @classmethod
    def json_schema(cls) -> Json:
        """Return the JSON Schema of the class; unknown fields are allowed, as when reading."""
        described = attribute_texts(cls)
        properties = {}
        for field in _fields(cls):
            text = described.get(field.name)
            properties[field.key] = {"description": text} if text else {}
            properties[field.key] |= field.kind.schema()
        required = [field.key for field in _fields(cls) if field.required]
        return {"type": "object", "properties": properties, "required": required}


@dataclass(frozen=True)
class _Field:
    """A field with what its declaration says.

    Attributes:
        name: in Python.
        key: in JSON.
        required: whether it has no default.
        absent_if_none: whether None is left out.
        kind: of its type.
    """

    name: str
    key: str
    required: bool
    absent_if_none: bool
    kind: _Kind


def _fields(cls: type) -> tuple[_Field, ...]:
    return _declared_fields(cast("Hashable", cls))


@cache
def _declared_fields(cls: Any) -> tuple[_Field, ...]:
    hints = _annotations(cls)
    found = []
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        said = _entry_of(hint)
        required = field.default is MISSING and field.default_factory is MISSING
        found.append(
            _Field(field.name, said.key or field.name, required, said.absent_if_none, _kind(hint))
        )
    return tuple(found)


def _annotations(cls: type) -> dict[str, Any]:
    """Types of the fields, of the bases first; without the checks of ``get_type_hints``, slow."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        found |= inspect.get_annotations(base, eval_str=True)
    return found


def _entry_of(hint: Any) -> _Entry:
    extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((extra for extra in extras if isinstance(extra, _Entry)), entry())


def _read(field: _Field, value: Any) -> Any:
    if not field.kind.accepts(value):
        raise ValueError(f"the field {field.key!r} is not {field.kind.expected}")
    try:
        return field.kind.read(value)
    except _InsideError as error:
        raise ValueError(f"{field.key}{error.place}: {error}") from error


class _InsideError(ValueError):
    """Something is wrong within a list or an object of objects."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place = place


def _kind(hint: Any) -> _Kind:
    """The kind of a type."""
    if get_origin(hint) is Annotated:
        kind, said = _kind(get_args(hint)[0]), _entry_of(hint).schema
        return dataclasses.replace(kind, schema=lambda: {**kind.schema(), **said})
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if origin in (Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _or_null(_kind(inner))
    if origin is Literal:
        return _Kind(
            "a string", lambda value: isinstance(value, str), str, str,
            lambda: {"type": "string", "enum": list(arguments)}, arguments,
        )  # fmt: skip
    if origin is tuple:
        return _array(_kind(arguments[0]), arguments)
    if origin is Mapping:
        return _object() if arguments[1] is Any else _mapping(_kind(arguments[1]))
    return _nested(hint)


def _or_null(inner: _Kind) -> _Kind:
    return _Kind(
        inner.expected,
        lambda value: value is None or inner.accepts(value),
        lambda value: None if value is None else inner.read(value),
        lambda value: None if value is None else inner.write(value),
        lambda: {"anyOf": [inner.schema(), {"type": "null"}]},
    )


def _array(inner: _Kind, arguments: tuple[Any, ...]) -> _Kind:
    """``tuple[X, ...]``, or ``tuple[X, X]`` for a fixed length."""
    length = None if arguments[-1] is ... else len(arguments)
    sizes = {} if length is None else {"minItems": length, "maxItems": length}

    def accepts(value: Any) -> bool:
        return (
            isinstance(value, list)
            and length in (None, len(value))
            and all(inner.accepts(item) for item in value)
        )

    def read(value: list[Any]) -> tuple[Any, ...]:
        return tuple(_member(inner, item, f"[{at}]") for at, item in enumerate(value))

    plural = inner.expected.partition(" ")[2] + "s"
    count = "" if length is None else f"{length} "
    return _Kind(
        f"an array of {count}{plural}",
        accepts,
        read,
        lambda values: [inner.write(item) for item in values],
        lambda: {"type": "array", "items": inner.schema(), **sizes},
    )


def _mapping(inner: _Kind) -> _Kind:
    def read(value: Json) -> Json:
        found = {}
        for name, item in value.items():
            if not inner.accepts(item):
                raise _InsideError(f"[{name!r}]", f"it is not {inner.expected}")
            found[name] = _member(inner, item, f"[{name!r}]")
        return found

    return _Kind(
        "an object",
        lambda value: isinstance(value, dict),
        read,
        lambda values: {name: inner.write(values[name]) for name in sorted(values)},
        lambda: {"type": "object", "additionalProperties": inner.schema()},
    )


def _member(inner: _Kind, item: Any, place: str) -> Any:
    try:
        return inner.read(item)
    except ValueError as error:
        raise _InsideError(place, str(error)) from error


def _object() -> _Kind:
    return _Kind(
        "an object", lambda value: isinstance(value, dict), dict, dict, lambda: {"type": "object"}
    )


def _nested(cls: Any) -> _Kind:
    """Another record, or a class that has its own three methods."""
    return _Kind(
        "an object",
        lambda value: isinstance(value, dict),
        cls.from_json,
        lambda value: value.to_json(),
        cls.json_schema,
    )


def attribute_texts(cls: type) -> dict[str, str]:
    """Field to its text in the ``Attributes`` of the class's docstring, and of its bases'."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        _, _, section = inspect.cleandoc(base.__doc__ or "").partition("Attributes:\n")
        for match in re.finditer(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE):
            found[match[1]] = " ".join(match[2].split())
    return found


_PLAIN: dict[Any, _Kind] = {
    str: _Kind(
        "a string", lambda value: isinstance(value, str), str, str, lambda: {"type": "string"}
    ),
    int: _Kind(
        "a whole number",
        lambda value: isinstance(value, int) and not isinstance(value, bool),
        int,
        int,
        lambda: {"type": "integer"},
    ),
    float: _Kind("a finite number", is_json_number, float, float, lambda: {"type": "number"}),
    bool: _Kind(
        "true or false",
        lambda value: isinstance(value, bool),
        bool,
        bool,
        lambda: {"type": "boolean"},
    ),
}
