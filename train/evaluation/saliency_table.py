"""The saliency measures as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from edge_runtime.metrics import Interval
from edge_runtime.reporting.text_table import text_table
from train.evaluation.agreement import AgreementRow
from train.evaluation.insertion_deletion import STEPS, InsertionDeletionRow
from train.evaluation.localization import LocalizationRow
from train.evaluation.randomization import RandomizationRow
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
    if measures.randomization:
        lines += ["", *_randomization(measures.randomization)]
    if measures.insertion_deletion:
        lines += ["", *_insertion_deletion(measures.insertion_deletion)]
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


def _randomization(rows: Sequence[RandomizationRow]) -> list[str]:
    cells = [
        (
            row.map,
            f"{row.layers} of {row.of_layers}",
            _number(row.spearman, ".3f"),
            _number(row.absolute_spearman, ".3f"),
        )
        for row in rows
    ]
    head = ("map", "random layers, from the last", "Spearman, median", "of magnitudes")
    lines = [
        f"what stays of maps without the trained weights, on {rows[0].count} images",
        text_table(head, cells),
    ]
    lines += [
        f"WARNING: the {row.map} hardly changes when every weight is random; it shows the picture "
        "rather than what the network learned."
        for row in rows
        if row.hardly_changed
    ]
    return lines


def _insertion_deletion(rows: Sequence[InsertionDeletionRow]) -> list[str]:
    cells = [(row.map, _number(row.insertion, ".3f"), _number(row.deletion, ".3f")) for row in rows]
    head = ("order", "insertion AUC, more is better", "deletion AUC, less is better")
    return [
        f"probability of the class as pixels come and go, on {rows[0].count} images, in {STEPS} "
        "steps\n(insertion into the blurred image, deletion to its mean colour)",
        text_table(head, cells),
    ]


def _share(interval: Interval | None) -> str:
    return _number(interval, ".1%")


def _number(interval: Interval | None, form: str) -> str:
    return "-" if interval is None else format(interval, form)
