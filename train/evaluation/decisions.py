"""Classes called at their operating points: what the thresholds find and spare on other images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle import OperatingPoint
from edge_runtime.errors import UsageError
from edge_runtime.metrics import DetectionRates, Interval, detection_rates
from edge_runtime.reporting.text_table import text_table
from train.evaluation.classified import ImageChoice, classify_part
from train.evaluation.targets import Target
from train.operating_points import choose_operating_points
from train.run.progress import Reporter

__all__ = ["DecisionRow", "decision_lines", "measure_decisions", "points_for_sensitivity"]


@dataclass(frozen=True)
class DecisionRow:
    """One class, called at its operating point and as the top class.

    Attributes:
        point: threshold, and what it gave on the validation images.
        rates: what it gives on the images at hand.
        top_sensitivity: of the top class, on the same images.
        top_specificity: of the top class, on the same images.
    """

    point: OperatingPoint
    rates: DetectionRates
    top_sensitivity: Interval
    top_specificity: Interval

    def to_json(self) -> dict[str, Any]:
        """For ``metrics.json``.

        ``class`` (its name), ``wanted_sensitivity`` (what the threshold was chosen for),
        ``threshold`` (on the calibrated probability), ``sensitivity`` (on the images at hand),
        ``specificity`` (likewise), ``positives`` (images of the class), ``negatives`` (other
        images) and ``validation`` (the point as the bundle has it).
        """
        return {
            "class": self.point.label,
            "wanted_sensitivity": self.point.wanted_sensitivity,
            "threshold": self.point.threshold,
            "sensitivity": self.rates.sensitivity.to_json(),
            "specificity": self.rates.specificity.to_json(),
            "positives": self.rates.positives,
            "negatives": self.rates.negatives,
            "validation": self.point.to_json(),
        }


def measure_decisions(
    points: Sequence[OperatingPoint],
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    groups: Sequence[object],
    classes: Sequence[str],
    figures: Mapping[str, Interval],
) -> tuple[DecisionRow, ...]:
    """Measure each point.

    Args:
        points: what is called from where.
        labels: int64 ``[N]``.
        probabilities: float64 ``[N, C]``, calibrated.
        groups: N names; images that belong together share one.
        classes: the C class names.
        figures: those of the top class, by ``sensitivity/NAME`` and ``specificity/NAME``.
    """
    rows = []
    for point in points:
        index = classes.index(point.label)
        rates = detection_rates(probabilities[:, index], labels == index, point.threshold, groups)
        top = (figures[f"{name}/{point.label}"] for name in ("sensitivity", "specificity"))
        rows.append(DecisionRow(point, rates, *top))
    return tuple(rows)


def points_for_sensitivity(
    target: Target, sensitivity: float, choice: ImageChoice, reporter: Reporter
) -> tuple[OperatingPoint, ...]:
    """Choose the points of a target anew, on the validation part of the split it was trained with.

    Raises:
        UsageError: the sensitivity is not a share.
        DataError, UsageError: see ``classify_part``.
    """
    if not 0 < sensitivity <= 1:
        raise UsageError(f"a sensitivity of {sensitivity} is not above 0 to 1.")
    stages = ("reading the validation part", "choosing thresholds")
    found = classify_part(target, choice, "val", reporter, stages)
    return choose_operating_points(
        found.labels, found.probabilities, found.groups, target.classes, sensitivity
    )


def decision_lines(rows: Sequence[DecisionRow]) -> list[str]:
    """For the table."""
    wanted = sorted({100 * row.point.wanted_sensitivity for row in rows})
    head = "operating points, chosen on the validation part for a sensitivity of " + ", ".join(
        f"{share:.4g}%" for share in wanted
    )
    table = text_table(
        (
            "class",
            "called from",
            "sensitivity",
            "specificity",
            "as top class: sensitivity",
            "specificity",
        ),
        [
            (
                row.point.label,
                f"p >= {row.point.threshold:.4f}",
                f"{row.rates.sensitivity:.1%}",
                f"{row.rates.specificity:.1%}",
                f"{row.top_sensitivity:.1%}",
                f"{row.top_specificity:.1%}",
            )
            for row in rows
        ],
    )
    return [head, *table.splitlines()]
