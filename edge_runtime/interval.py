"""A figure with its interval; apart from the metrics, which a device does not need."""

from __future__ import annotations

import math
from typing import Any

from edge_runtime.quick_dataclass import dataclass
from edge_runtime.record import is_json_number

__all__ = ["Interval"]


@dataclass(frozen=True)
class Interval:
    """A figure with its percentile bootstrap interval.

    Attributes:
        value: The figure on the data as they are; NaN if it is not defined.
        low: Lower end of the interval; NaN if the figure is defined in no resample.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    def __format__(self, form: str) -> str:
        """For people, each number in a form: ``.1%`` for a share, ``.3f`` for another figure.

        Examples:
            >>> f"{Interval(0.9, 0.85, 0.94):.1%}"
            '90.0% (85.0% to 94.0%)'
            >>> nan = float("nan")
            >>> f"{Interval(nan, nan, nan):.1%} of none, {Interval(2.5, nan, nan):.1f} of one"
            '- of none, 2.5 of one'
        """
        if math.isnan(self.value):
            return "-"
        if math.isnan(self.low):
            return format(self.value, form)
        return f"{self.value:{form}} ({self.low:{form}} to {self.high:{form}})"

    def __str__(self) -> str:
        return format(self, ".4f")

    def to_json(self) -> dict[str, float | None]:
        """Return ``{"value", "low", "high"}``, with None in place of NaN, which JSON lacks.

        Examples:
            >>> Interval(0.5, 0.25, float("nan")).to_json()
            {'value': 0.5, 'low': 0.25, 'high': None}
        """
        named = {"value": self.value, "low": self.low, "high": self.high}
        return {name: None if math.isnan(number) else number for name, number in named.items()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Interval:
        """Build from what :meth:`to_json` gives; ``ValueError`` names the end that is wrong."""
        ends = []
        for name in ("value", "low", "high"):
            found = record.get(name)
            if found is not None and not is_json_number(found):
                raise ValueError(f"the field {name!r} is not a finite number")
            ends.append(float("nan") if found is None else float(found))
        return cls(*ends)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of :meth:`to_json`'s object; null is undefined."""
        end = {"type": ["number", "null"]}
        return {"type": "object", "properties": dict.fromkeys(("value", "low", "high"), end)}
