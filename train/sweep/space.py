"""What a sweep varies: lists, of which every combination is a point of a grid, and ranges.

An axis is written ``NAME=1e-4,3e-4`` (a list), ``NAME=LOW:HIGH`` (drawn evenly) or
``NAME=LOW:HIGH:log`` (drawn evenly in the logarithm). ``NAME`` is an entry of the configuration,
``table.entry``, or a flag of ``saliedge train``. Random search instead of finer grids, because few
entries matter and nobody knows which (Bergstra and Bengio, JMLR 13, 2012).
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_runtime.errors import UsageError
from train.config import default_of
from train.flags import entries_of_flag

__all__ = ["Axis", "Choices", "Point", "Span", "Value", "draw_points", "parse_axis"]

Value = bool | int | float | str
Point = dict[str, Value]
"""Value by name of the axis."""
_DIGITS = 4
_FIXED = (
    ("data", "source"),
    ("data", "split_seed"),
    ("data", "split_file"),
    ("data", "fractions"),
    ("data", "skip_bad"),
    ("data", "group_duplicates"),
    ("data", "duplicate_threshold"),
)
_NO_MATTER = (
    ("data", "cache"),
    ("run", "device"),
    ("run", "threads"),
    ("run", "tensorboard"),
    ("run", "mlflow"),
)


@dataclass(frozen=True)
class Choices:
    """A list."""

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Span:
    """A range, both ends included.

    Attributes:
        low: smallest value.
        high: largest value.
        is_log: drawn evenly in the logarithm.
        is_whole: of whole numbers.
    """

    low: float
    high: float
    is_log: bool
    is_whole: bool

    def at(self, share: float) -> Value:
        """The value below which ``share``, from 0 to below 1, of all draws lie; four digits."""
        if self.is_whole:
            # Each number has its own width of the range, the ends too.
            low, high = self.low - 0.5, self.high + 0.5
            return int(np.clip(round(self._between(low, high, share)), self.low, self.high))
        value = float(f"{self._between(self.low, self.high, share):.{_DIGITS}g}")
        return float(np.clip(value, self.low, self.high))

    def _between(self, low: float, high: float, share: float) -> float:
        if self.is_log:
            return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        return low + share * (high - low)


@dataclass(frozen=True)
class Axis:
    """One thing that is varied.

    Attributes:
        name: as the user names it.
        text: as the user wrote it all.
        entries: table and entry of what it sets.
        domain: its values.
    """

    name: str
    text: str
    entries: tuple[tuple[str, str], ...]
    domain: Choices | Span

    def tables(self, value: Value) -> dict[str, dict[str, Any]]:
        """The entries at a value, as tables of the configuration."""
        tables: dict[str, dict[str, Any]] = {}
        for table, entry in self.entries:
            tables.setdefault(table, {})[entry] = value
        return tables


def parse_axis(text: str) -> Axis:
    """Read ``NAME=VALUES``.

    Raises:
        UsageError: there is no such entry or flag, it cannot be varied, or a value is not of its
            kind.
    """
    name, separator, values = (part.strip() for part in text.partition("="))
    where = f"--vary {name}"
    if not separator or not name or not values:
        raise UsageError(
            f"--vary {text!r} does not say what to vary; write optimizer.lr=1e-4,3e-4 or "
            "optimizer.lr=1e-4:1e-2:log."
        )
    entries = _entries(name, where)
    kind = type(default_of(*entries[0], where))
    if kind in (int, float) and "," not in values and ":" in values:
        return Axis(name, text, entries, _span(values, kind, where))
    return Axis(name, text, entries, _choices(values, kind, where))


def _entries(name: str, where: str) -> tuple[tuple[str, str], ...]:
    table, dot, entry = name.partition(".")
    entries = (
        ((table, entry),) if dot else entries_of_flag(name.removeprefix("--").replace("-", "_"))
    )
    if not entries:
        raise UsageError(
            f"{where}: saliedge train has no such flag with one value; give a flag such as lr or "
            "an entry such as optimizer.lr, see config.toml of a run."
        )
    if set(entries) & set(_FIXED):
        raise UsageError(
            f"{where}: trials are compared on the same images in the same parts, so this cannot "
            "be varied; make a sweep for each."
        )
    if set(entries) & set(_NO_MATTER):
        raise UsageError(
            f"{where} is no setting that the result should depend on; give it as a flag, for all "
            "trials."
        )
    return entries


def _choices(values: str, kind: type, where: str) -> Choices:
    parsed = tuple(_value(word.strip(), kind, where) for word in values.split(","))
    if len(parsed) < 2 or len(set(parsed)) < len(parsed):
        raise UsageError(
            f"{where}={values}: a list has two different values or more; a single value is given "
            "by its flag or --config."
        )
    return Choices(parsed)


def _span(values: str, kind: type, where: str) -> Span:
    low, high, *rest = values.split(":")
    if rest not in ([], ["log"]):
        raise UsageError(f"{where}={values}: a range is LOW:HIGH or LOW:HIGH:log.")
    least, most = (float(_value(word.strip(), kind, where)) for word in (low, high))
    if not least < most:
        raise UsageError(f"{where}={values}: the lower end is not below the upper end.")
    if rest and least <= 0:
        raise UsageError(f"{where}={values}: a range in the logarithm begins above 0.")
    return Span(least, most, is_log=bool(rest), is_whole=kind is int)


def _value(word: str, kind: type, where: str) -> Value:
    if kind is str and word:
        return word
    try:
        if kind is bool:
            return {"true": True, "false": False}[word.lower()]
        number: int | float = int(word) if kind is int else float(word)
    except (KeyError, ValueError):
        kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
        raise UsageError(f"{where}: {word!r} is not {kinds[kind]}.") from None
    if not math.isfinite(number):
        raise UsageError(f"{where}: {word!r} is not a number that can be used.")
    return number


def draw_points(axes: Sequence[Axis], count: int | None, seed: int) -> list[Point]:
    """The points of a sweep.

    The grid of the lists is visited evenly; at each visit every range is drawn anew. A draw depends
    on the seed, the number of the point and the name of its axis alone, so that a larger ``count``
    adds points and changes none.

    Args:
        axes: what is varied.
        count: how many points; None takes the whole grid.
        seed: of the draws, and of the order of the grid where it is not visited as a whole.

    Raises:
        UsageError: a range needs a count; or the grid has no more points than ``count``.
    """
    lists = {axis.name: axis.domain.values for axis in axes if isinstance(axis.domain, Choices)}
    spans = {axis.name: axis.domain for axis in axes if isinstance(axis.domain, Span)}
    grid = [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
    if spans and count is None:
        raise UsageError(
            f"a range is drawn from ({', '.join(spans)}); say how many trials with --trials."
        )
    if not spans and count is not None and count > len(grid):
        raise UsageError(
            f"the lists have {len(grid)} combinations, which is below --trials {count}; leave it "
            "out to run all of them."
        )
    number_of_points = len(grid) if count is None else count
    order = list(range(len(grid)))
    if spans or number_of_points < len(grid):
        order = np.random.default_rng([seed, len(grid)]).permutation(len(grid)).tolist()
    points = []
    for number in range(number_of_points):
        drawn = {name: span.at(_share(seed, number, name)) for name, span in spans.items()}
        known: Mapping[str, Value] = {**grid[order[number % len(grid)]], **drawn}
        points.append({axis.name: known[axis.name] for axis in axes})
    return points


def _share(seed: int, number: int, name: str) -> float:
    return float(np.random.default_rng([seed, number, zlib.crc32(name.encode())]).random())
