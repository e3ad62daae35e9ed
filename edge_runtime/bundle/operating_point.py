"""From which probability on a class is called, and what that gave on the validation images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from edge_runtime.bundle import fields
from edge_runtime.metrics.bootstrap import Interval

__all__ = ["OperatingPoint"]


@dataclass(frozen=True)
class OperatingPoint:
    """One class against the rest, called where its calibrated probability reaches a threshold.

    The figures are of the validation images that the threshold was chosen on, so that the
    sensitivity is as wanted by construction; `saliedge evaluate` measures it on others.

    Attributes:
        label: The class.
        wanted_sensitivity: What the threshold was chosen for, above 0 to 1.
        threshold: 0 to 1; the class is called if its probability is equal or above.
        sensitivity: Share of the class's images that are called, with its 95 % interval.
        specificity: Share of the other images that are not.
        positives: Images of the class.
        negatives: Other images.
    """

    label: str
    wanted_sensitivity: float
    threshold: float
    sensitivity: Interval
    specificity: Interval
    positives: int
    negatives: int

    def __post_init__(self) -> None:
        if not 0 < self.wanted_sensitivity <= 1:
            raise ValueError(f"the wanted sensitivity of {self.label!r} is not above 0 to 1")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"the threshold of {self.label!r} is not within 0 to 1")
        if min(self.positives, self.negatives) < 0:
            raise ValueError(f"the images of {self.label!r} were counted below 0")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {
            "class": self.label,
            "wanted_sensitivity": self.wanted_sensitivity,
            "threshold": self.threshold,
            "sensitivity": self.sensitivity.to_json(),
            "specificity": self.specificity.to_json(),
            "positives": self.positives,
            "negatives": self.negatives,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> OperatingPoint:
        """Build from a JSON object; ``ValueError`` names the field that is wrong."""
        return cls(
            label=fields.text(record, "class"),
            wanted_sensitivity=fields.number(record, "wanted_sensitivity"),
            threshold=fields.number(record, "threshold"),
            sensitivity=_interval(fields.json_object(record, "sensitivity")),
            specificity=_interval(fields.json_object(record, "specificity")),
            positives=fields.integer(record, "positives"),
            negatives=fields.integer(record, "negatives"),
        )


def _interval(record: dict[str, Any]) -> Interval:
    """An interval whose undefined ends are null."""
    ends = (
        math.nan if record.get(name, math.nan) is None else fields.number(record, name)
        for name in ("value", "low", "high")
    )
    return Interval(*ends)
