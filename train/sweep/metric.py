"""Figures that a sweep can choose by, all of the validation part."""

from __future__ import annotations

from dataclasses import dataclass

from edge_runtime.interval import Interval

__all__ = ["METRICS", "Metric"]


@dataclass(frozen=True)
class Metric:
    """A figure of the validation part.

    Attributes:
        name: as it is chosen.
        title: for people.
        higher_is_better: else lower.
        is_share: from 0 to 1.
    """

    name: str
    title: str
    higher_is_better: bool
    is_share: bool

    def goodness(self, value: float) -> float:
        """A number that is larger where the figure is better."""
        return value if self.higher_is_better else -value

    def show(self, value: float | Interval) -> str:
        """The figure for people, with its interval where it has one."""
        return format(value, ".1%" if self.is_share else ".4f")


METRICS = {
    metric.name: metric
    for metric in (
        Metric("macro_sensitivity", "macro sensitivity", True, True),
        Metric("accuracy", "accuracy", True, True),
        Metric("loss", "cross entropy", False, False),
    )
}
