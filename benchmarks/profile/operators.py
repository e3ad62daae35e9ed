"""Operators of a graph with the time that each takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Operator", "OperatorType", "Operators", "by_type", "slowest"]


@dataclass(frozen=True)
class Operator:
    """One operator of a graph.

    Attributes:
        name: Of its node.
        type: What it computes, e.g. ``QLinearConv``.
        ms: Milliseconds of an inference.
        is_float: Whether it takes and gives floating-point numbers.
    """

    name: str
    type: str
    ms: float
    is_float: bool


@dataclass(frozen=True)
class Operators:
    """The operators of a graph in an engine, in the order of running.

    Attributes:
        method: How their times were found, in words.
        engine_version: Version of the engine's package.
        items: The operators.
    """

    method: str
    engine_version: str
    items: tuple[Operator, ...]

    @property
    def ms(self) -> float:
        """Milliseconds of all together."""
        return sum(item.ms for item in self.items)

    @property
    def float_share(self) -> float:
        """Share of the time in floating-point operators, 0 to 1."""
        return sum(item.ms for item in self.items if item.is_float) / self.ms if self.ms else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return asdict(self) | {"items": [asdict(item) for item in self.items]}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Operators:
        """Build from a JSON object; ``KeyError`` or ``TypeError`` says what is wrong with it."""
        items = tuple(Operator(**item) for item in record["items"])
        return cls(str(record["method"]), str(record["engine_version"]), items)


@dataclass(frozen=True)
class OperatorType:
    """All operators of one type.

    Attributes:
        type: What they compute.
        count: How many there are.
        ms: Milliseconds of all together.
        share: Of all operators' time, 0 to 1.
    """

    type: str
    count: int
    ms: float
    share: float


def by_type(operators: Operators) -> list[OperatorType]:
    """Add up the operators of each type, the slowest type first."""
    times: dict[str, list[float]] = {}
    for item in operators.items:
        times.setdefault(item.type, []).append(item.ms)
    whole = operators.ms or 1.0
    found = [OperatorType(name, len(ms), sum(ms), sum(ms) / whole) for name, ms in times.items()]
    return sorted(found, key=lambda item: item.ms, reverse=True)


def slowest(operators: Operators, count: int) -> Sequence[Operator]:
    """Return the slowest operators, the slowest first."""
    return sorted(operators.items, key=lambda item: item.ms, reverse=True)[:count]
