"""The saliency measures as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_runtime.metrics import Interval
from edge_runtime.text_table import text_table
from train.evaluation.agreement import AgreementRow
from train.evaluation.localization import LocalizationRow
from train.evaluation.regions import RegionRow
from train.evaluation.saliency import SaliencyMeasures

__all__ = ["saliency_lines"]


def saliency_lines(measures: SaliencyMeasures) -> list[str]:
    """The tables of what was measured, each behind an empty line."""
    lines: list[str] = []
    for name in ("all", "off-centre"):
        chosen = [row for row in measures.localization if row.lesions == name]
        if chosen:
            lines += ["", *_localization(name, measures.masked_class or "", chosen)]
    if measures.regions:
        lines += ["", *_regions(measures.regions)]
    if measures.agreement:
        lines += ["", *_agreement(measures.agreement)]
    return lines


def _localization(lesions: str, label: str, rows: Sequence[LocalizationRow]) -> list[str]:
    title = (
        f"saliency of {label!r} against its lesion masks: {rows[0].count} lesions, {lesions}, mean "
        f"area {rows[0].area:.1%}"
    )
    cells = [
        (
            row.map,
            _share(row.pointing),
            _share(row.energy),
            _number(row.energy_over_area, ".2f"),
        )
        for row in rows
    ]
    return [title, text_table(("map", "pointing", "energy inside", "energy over area"), cells)]


def _regions(rows: Sequence[RegionRow]) -> list[str]:
    cells = [
        (row.region, row.map, row.label, str(row.count), _share(row.share), f"{row.area:.1%}")
        for row in rows
    ]
    head = ("region", "map", "class", "images", "share of the map", "share of the area")
    return ["saliency of each image's own class in given regions", text_table(head, cells)]


def _agreement(rows: Sequence[AgreementRow]) -> list[str]:
    cells = [
        (row.map, row.other, _number(row.spearman, ".3f"), _share(row.top_overlap)) for row in rows
    ]
    head = ("map", "compared with", "Spearman, median", "top 10 % in common, median")
    return [f"agreement of maps on {rows[0].count} images", text_table(head, cells)]


def _share(interval: Interval | None) -> str:
    return _number(interval, ".1%")


def _number(interval: Interval | None, form: str) -> str:
    if interval is None or np.isnan(interval.value):
        return "-"
    return f"{interval.value:{form}} ({interval.low:{form}} to {interval.high:{form}})"
