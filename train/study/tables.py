"""The study as tables: CSV with every figure, Markdown and plain lines for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_runtime.metrics import Interval
from train.evaluation.maps import map_name
from train.study.analysis import Analysis, RowFigures
from train.study.records import MAPS

__all__ = ["Table", "accuracy_table", "class_table", "csv_text", "saliency_tables"]

_ABSENT = "–"


@dataclass(frozen=True)
class Table:
    """A heading, the names of the columns and the cells."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """As Markdown; the first two columns are words, the others figures."""
        rule = ["---" if index < 2 else "---:" for index in range(len(self.columns))]
        lines = [self.columns, rule, *self.lines]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def accuracy_table(analysis: Analysis) -> Table:
    """Classification, size and arithmetic of every row."""
    lines = [
        (
            row.row.title,
            row.row.width,
            folds(analysis, row),
            _percent(row.figures["accuracy"]),
            _points(row.figures.get("accuracy_minus_float")),
            _percent(row.figures["macro_sensitivity"]),
            _points(row.figures.get("macro_sensitivity_minus_float")),
            _percent(row.figures["macro_specificity"]),
            f"{row.weight_bytes / 1e6:.2f}",
            f"{row.bit_operations / 1e9:.2f}",
            f"{row.minutes:.1f}" if row.row.method == "trained" else _ABSENT,
        )
        for row in analysis.rows
    ]
    columns = (
        "row",
        "width",
        "folds",
        "accuracy (95 %)",
        "minus float, paired",
        "macro sensitivity",
        "minus float, paired",
        "macro specificity",
        "weights, MB",
        "bit operations, G",
        "min a fold",
    )
    return Table("Classification, size and arithmetic", columns, tuple(lines))


def saliency_tables(analysis: Analysis) -> list[Table]:
    """Where the maps point, a table for each method, beside guesses that see no picture."""
    tables = (_saliency_table(analysis, method) for method in MAPS)
    return [table for table in tables if table]


def _saliency_table(analysis: Analysis, method: str) -> Table | None:
    """The table of one method, of the rows that it was measured for; None where there is none."""
    prefix, region = MAPS[method], analysis.plan.region
    rows = [row for row in analysis.rows if f"all/{prefix}pointing" in row.figures]
    if not rows:
        return None
    # Selection and figure -> heading, way to show it.
    shown = {
        ("off_centre", "pointing"): ("off-centre: pointing", _percent),
        ("off_centre", "pointing_minus_float"): ("minus float, paired", _points),
        ("off_centre", "energy"): ("energy", _percent),
        ("off_centre", "energy_over_area"): ("energy / area", _times),
        ("all", "pointing"): ("all: pointing", _percent),
        ("all", "energy"): ("energy", _percent),
    }
    if region:
        shown["all", "region"] = (f"share in {region.name}", _percent)
    every, off_centre = analysis.blind_lesions
    lines = [
        (
            row.row.title,
            row.row.width,
            folds(analysis, row),
            f"{row.off_centre} of {row.lesions}",
            *(
                show(row.figures.get(f"{of}/{prefix}{name}"))
                for (of, name), (_, show) in shown.items()
            ),
        )
        for row in rows
    ]
    lines += [
        (
            f"blind: {name}",
            "",
            "",
            f"{off_centre} of {every}",
            *(show(figures.get(f"{of}/{figure}")) for (of, figure), (_, show) in shown.items()),
        )
        for name, figures in analysis.blind.items()
    ]
    columns = ("map", "width", "folds", "off-centre lesions", *(head for head, _ in shown.values()))
    name = map_name(method)
    title = f"{name[0].upper()}{name[1:]}, of {analysis.lesion_class!r}"
    return Table(title, columns, tuple(lines))


def class_table(analysis: Analysis) -> Table:
    """Sensitivity and specificity of each class."""
    lines = [
        (
            row.row.title,
            row.row.width,
            *(
                f"{_share(sensitivity)} / {_share(specificity)}"
                for sensitivity, specificity in zip(row.sensitivity, row.specificity, strict=True)
            ),
        )
        for row in analysis.rows
    ]
    columns = ("row", "width", *analysis.classes)
    return Table("Sensitivity / specificity of each class", columns, tuple(lines))


def csv_text(analysis: Analysis) -> str:
    """Every figure of every row with the ends of its interval, one line for each row."""
    named = {name for row in analysis.rows for name in row.figures}
    named |= {name for figures in analysis.blind.values() for name in figures}
    names = sorted(named)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    ends = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    head = ("row", "width", "folds", "images", "lesions", "off_centre_lesions", "weight_bytes")
    writer.writerow((*head, "bit_operations", "minutes_a_fold", *ends))
    for row in analysis.rows:
        counts = (row.images, row.lesions, row.off_centre, row.weight_bytes, row.bit_operations)
        done = " ".join(str(fold) for fold in row.folds)
        words = (row.row.name, row.row.width, done, *counts, f"{row.minutes:.3f}")
        writer.writerow((*words, *_numbers(row.figures, names)))
    for name, figures in analysis.blind.items():
        cells = (f"blind: {name}", "", "", "", *analysis.blind_lesions, "", "", "")
        writer.writerow((*cells, *_numbers(figures, names)))
    return buffer.getvalue()


def folds(analysis: Analysis, row: RowFigures) -> str:
    """How many folds are done; which, where some are missing."""
    if len(row.folds) == analysis.plan.folds:
        return f"{len(row.folds)} of {analysis.plan.folds}"
    numbers = ", ".join(str(fold) for fold in row.folds)
    return f"{len(row.folds)} of {analysis.plan.folds} ({numbers})"


def _numbers(figures: Mapping[str, Interval], names: Sequence[str]) -> list[str]:
    cells = []
    for name in names:
        found = figures.get(name)
        ends = (found.value, found.low, found.high) if found else (np.nan,) * 3
        cells += ["" if np.isnan(end) else f"{end:.5f}" for end in ends]
    return cells


def _percent(found: Interval | None) -> str:
    if found is None or np.isnan(found.value):
        return _ABSENT
    return f"{found.value:.1%} ({found.low * 100:.1f} to {found.high * 100:.1f})"


def _points(found: Interval | None) -> str:
    """A difference of shares, in points."""
    if found is None or np.isnan(found.value):
        return _ABSENT
    value, low, high = (100 * end for end in (found.value, found.low, found.high))
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"


def _times(found: Interval | None) -> str:
    if found is None or np.isnan(found.value):
        return _ABSENT
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _share(value: float) -> str:
    return _ABSENT if np.isnan(value) else f"{value:.1%}"
