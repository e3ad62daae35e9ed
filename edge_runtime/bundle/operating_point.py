"""From which probability on a class is called, and what that gave on the validation images."""

from __future__ import annotations

from typing import Annotated

from edge_runtime.interval import Interval
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.record import Record, entry

__all__ = ["OperatingPoint"]


@dataclass(frozen=True)
class OperatingPoint(Record):
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

    label: Annotated[str, entry(key="class")]
    wanted_sensitivity: Annotated[float, entry(exclusiveMinimum=0, maximum=1)]
    threshold: Annotated[float, entry(minimum=0, maximum=1)]
    sensitivity: Interval
    specificity: Interval
    positives: Annotated[int, entry(minimum=0)]
    negatives: Annotated[int, entry(minimum=0)]

    def __post_init__(self) -> None:
        if not 0 < self.wanted_sensitivity <= 1:
            raise ValueError(f"the wanted sensitivity of {self.label!r} is not above 0 to 1")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"the threshold of {self.label!r} is not within 0 to 1")
        if min(self.positives, self.negatives) < 0:
            raise ValueError(f"the images of {self.label!r} were counted below 0")
