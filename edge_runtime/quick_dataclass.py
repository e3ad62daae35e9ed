"""``dataclass`` whose methods are not compiled anew for every class.

``dataclasses.dataclass`` writes the source of up to six methods for a class and compiles it. For
forty classes that takes as many instructions as loading OpenCV and a network, and a device pays it
at every start. Here the methods are closures over the names of the fields. The fields are still
found by ``dataclasses``, so that its ``fields``, ``replace`` and ``asdict`` work, and a type
checker sees the original.

    from edge_runtime.quick_dataclass import dataclass

    @dataclass(frozen=True)
    class Size:
        width: int
        height: int = 480

The class has no ``__slots__``, and to make an instance takes a microsecond longer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, FrozenInstanceError
from functools import cache
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

Fields = tuple[Field[Any], ...]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(
        cls: type | None = None, /, *, frozen: bool = False, eq: bool = True
    ) -> type | Callable[[type], type]:
        """Make a class one of fields; arguments as of ``dataclasses.dataclass``."""
        if cls is None:
            return lambda decorated: _with_methods(decorated, frozen, eq)
        return _with_methods(cls, frozen, eq)


def _with_methods(cls: type, frozen: bool, eq: bool) -> type:
    # Of a class without a docstring dataclasses makes one, of a signature that is found slowly.
    cls.__doc__ = cls.__doc__ or cls.__name__
    # One that derives from a frozen one is frozen from the start; this one gets its guards below.
    derives = frozen and any(map(dataclasses.is_dataclass, cls.__mro__[1:]))
    plain = dataclasses.dataclass(init=False, repr=False, eq=False, frozen=derives)
    found: type[Any] = plain(cls)
    fields = dataclasses.fields(found)
    methods: dict[str, Any] = {
        "__init__": _initializer(fields, hasattr(found, "__post_init__")),
        "__repr__": _representer(fields),
        **(_comparers(fields, frozen) if eq and "__eq__" not in vars(found) else {}),
        **(_guards(found, fields) if frozen and not derives else {}),
    }
    for name, method in methods.items():
        if name not in vars(found):
            setattr(found, name, method)
    found.__dataclass_params__.frozen = frozen
    return found


def _initializer(fields: Fields, checks: bool) -> Callable[..., None]:
    names = tuple(field.name for field in fields)
    defaults = {field.name: field.default for field in fields if field.default is not MISSING}
    makers = {
        field.name: field.default_factory
        for field in fields
        if field.default_factory is not MISSING
    }

    @cache
    def later(count: int) -> frozenset[str]:
        return frozenset(names[count:])

    def fill(state: dict[str, Any], count: int, named: dict[str, Any]) -> list[str]:
        """Take what has a name or a default; return what is missing."""
        missing = []
        for name in names[count:]:
            if name in named:
                state[name] = named.pop(name)
            elif name in defaults:
                state[name] = defaults[name]
            elif name in makers:
                state[name] = makers[name]()
            else:
                missing.append(name)
        return missing

    def __init__(self: Any, *values: Any, **named: Any) -> None:  # noqa: N807
        state = self.__dict__
        state.update(zip(names, values, strict=False))
        if len(values) + len(named) == len(names) and named.keys() <= later(len(values)):
            state.update(named)
        else:
            missing = fill(state, len(values), named)
            if missing or named or len(values) > len(names):
                surplus = len(values) - len(names)
                raise TypeError(_misfit(type(self), missing, list(named), surplus))
        if checks:
            self.__post_init__()

    return __init__


def _misfit(cls: type, missing: list[str], surplus: list[str], too_many: int) -> str:
    if missing:
        return f"{cls.__qualname__}() lacks {', '.join(missing)}"
    if surplus:
        return f"{cls.__qualname__}() takes no {', '.join(surplus)}, or takes it twice"
    return f"{cls.__qualname__}() takes {too_many} values less"


def _representer(fields: Fields) -> Callable[[Any], str]:
    names = tuple(field.name for field in fields if field.repr)

    @recursive_repr()
    def __repr__(self: Any) -> str:  # noqa: N807
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({shown})"

    return __repr__


def _comparers(fields: Fields, frozen: bool) -> dict[str, Any]:
    compared = _values_of(field.name for field in fields if field.compare)
    hashed = _values_of(f.name for f in fields if (f.compare if f.hash is None else f.hash))

    def __eq__(self: Any, other: object) -> bool:  # noqa: N807
        if type(other) is not type(self):
            return NotImplemented
        return bool(compared(self) == compared(other))

    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(hashed(self))

    # What may change cannot be found again by its hash.
    return {"__eq__": __eq__, "__hash__": __hash__ if frozen else None}


def _values_of(names: Iterable[str]) -> Callable[[Any], object]:
    chosen = tuple(names)
    return attrgetter(*chosen) if chosen else lambda _: ()


def _guards(cls: type, fields: Fields) -> dict[str, Any]:
    names = frozenset(field.name for field in fields)

    def __setattr__(self: Any, name: str, value: Any) -> None:  # noqa: N807
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        object.__setattr__(self, name, value)

    def __delattr__(self: Any, name: str) -> None:  # noqa: N807
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        object.__delattr__(self, name)

    return {"__setattr__": __setattr__, "__delattr__": __delattr__}
