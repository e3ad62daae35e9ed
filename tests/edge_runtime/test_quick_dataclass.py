"""The classes of ``edge_runtime`` behave as those of ``dataclasses``; none compiles methods."""

from __future__ import annotations

import copy
import dataclasses
import subprocess
import sys
from collections.abc import Callable
from functools import cached_property
from typing import Any

import pytest

from edge_runtime.quick_dataclass import dataclass

Decorate = Callable[..., Any]
BOTH = pytest.mark.parametrize("decorate", [dataclasses.dataclass, dataclass])


def _size(decorate: Decorate, **options: bool) -> Any:
    """A class with all kinds of fields."""

    @decorate(**options)
    class Size:
        """A size.

        Attributes:
            width: Of it.
        """

        width: int
        height: int = 480
        notes: list[str] = dataclasses.field(default_factory=list, compare=False)
        secret: str = dataclasses.field(default="", repr=False)
        scale: float = dataclasses.field(default=1.0, hash=False)

        def __post_init__(self) -> None:
            if self.width < 0:
                raise ValueError("the width is negative")

        @cached_property
        def area(self) -> int:
            return self.width * self.height

    return Size


@dataclass(frozen=True)
class Pair:
    """Two numbers."""

    first: int
    second: int = 2


@BOTH
def test_takes_values_by_place_and_by_name_and_fills_in_the_rest(decorate: Decorate) -> None:
    size = _size(decorate, frozen=True)
    assert vars(size(1, notes=["a"])) == {
        "width": 1, "height": 480, "notes": ["a"], "secret": "", "scale": 1.0
    }  # fmt: skip
    assert size(1).notes is not size(1).notes


@BOTH
@pytest.mark.parametrize(
    ("values", "named"), [((), {}), ((1,), {"width": 1}), ((1,), {"depth": 1}), ((1,) * 6, {})]
)
def test_refuses_values_that_do_not_fit(
    decorate: Decorate, values: tuple[int, ...], named: dict[str, int]
) -> None:
    with pytest.raises(TypeError, match=r"Size"):
        _size(decorate, frozen=True)(*values, **named)


@BOTH
def test_checks_itself_once_made(decorate: Decorate) -> None:
    with pytest.raises(ValueError, match="negative"):
        _size(decorate, frozen=True)(-1)


@BOTH
def test_is_equal_and_hashed_by_its_fields(decorate: Decorate) -> None:
    size = _size(decorate, frozen=True)
    assert size(1, notes=["a"]) == size(1, notes=["b"])
    assert size(1) != size(2)
    assert size(1) != _size(decorate, frozen=True)(1)
    assert hash(size(1, scale=2.0)) == hash(size(1))
    assert hash(size(1)) != hash(size(2))


@BOTH
def test_one_that_may_change_has_no_hash(decorate: Decorate) -> None:
    size = _size(decorate)(1)
    size.width = 3
    assert size.area == 3 * 480
    with pytest.raises(TypeError, match="unhashable"):
        hash(size)


@BOTH
def test_one_without_comparison_is_itself_alone(decorate: Decorate) -> None:
    size = _size(decorate, frozen=True, eq=False)
    one = size(1)
    assert one != size(1)
    assert one in {one}


@BOTH
def test_refuses_changes_if_frozen(decorate: Decorate) -> None:
    size = _size(decorate, frozen=True)(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="width"):
        size.width = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="depth"):
        size.depth = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="width"):
        del size.width
    assert size.area == 480


@BOTH
def test_shows_its_fields(decorate: Decorate) -> None:
    name = "_size.<locals>.Size"
    shown = repr(_size(decorate, frozen=True)(1, secret="x"))
    assert shown == f"{name}(width=1, height=480, notes=[], scale=1.0)"


@pytest.mark.parametrize("decorate_base", [dataclasses.dataclass, dataclass])
@BOTH
def test_a_derived_class_has_the_fields_of_its_base_first(
    decorate: Decorate, decorate_base: Decorate
) -> None:
    base = _size(decorate_base, frozen=True)

    @decorate(frozen=True)
    class Box(base):  # type: ignore[misc, valid-type]
        depth: int = 7

    class Named(Box):
        pass

    assert [field.name for field in dataclasses.fields(Box)][-1] == "depth"
    assert Named(1).depth == 7
    named = Named(1)
    named.label = "free"
    with pytest.raises(dataclasses.FrozenInstanceError):
        named.depth = 2


@BOTH
def test_keeps_methods_that_the_class_has(decorate: Decorate) -> None:
    class Odd:
        value: int

        def __eq__(self, other: object) -> bool:
            return True

        def __repr__(self) -> str:
            return "odd"

        def __hash__(self) -> int:
            return 5

    odd: Any = decorate(frozen=True)(Odd)
    assert odd(1) == odd(2)
    assert repr(odd(1)) == "odd"
    assert hash(odd(1)) == 5


@BOTH
def test_what_may_change_does_not_derive_from_what_may_not(decorate: Decorate) -> None:
    with pytest.raises(TypeError, match="frozen"):

        @decorate()
        class Loose(_size(decorate, frozen=True)):  # type: ignore[misc]
            depth: int = 7


def test_functions_of_dataclasses_work() -> None:
    pair = Pair(1)
    assert dataclasses.replace(pair, second=3) == Pair(1, 3)
    assert dataclasses.asdict(pair) == {"first": 1, "second": 2}
    assert copy.deepcopy(pair) == pair
    match pair:
        case Pair(first, second):
            assert (first, second) == (1, 2)


def test_starting_a_run_compiles_no_methods() -> None:
    """What a run loads at its start makes no class in the slow way."""
    program = (
        "import dataclasses as d, sys\n"
        "made, original = [], d._process_class\n"
        "def noted(cls, init, *rest, **named):\n"
        "    if init and cls.__module__.startswith('edge_runtime'): made.append(cls.__qualname__)\n"
        "    return original(cls, init, *rest, **named)\n"
        "d._process_class = noted\n"
        "import edge_runtime.infer.cli, edge_runtime.infer.run\n"
        "print(made)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "[]"
