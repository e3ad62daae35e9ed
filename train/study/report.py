"""The report of a study: tables, a picture and one page, from the records that there are.

table.csv       every figure of every row with its interval
report.md       the tables and what they mean
frontier.svg    accuracy over size and over bit operations
report.html     all of it in one file that loads nothing
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from edge_runtime.errors import ArtifactError
from edge_runtime.files import atomic_write_text
from edge_runtime.reporting.page import html_list, html_page, html_table
from train.study.analysis import Analysis, analyse
from train.study.frontier import frontier_svg
from train.study.plan import PLAN_FILE, Plan
from train.study.records import read_records
from train.study.tables import Table, accuracy_table, class_table, csv_text, saliency_tables

__all__ = ["write_report"]


def write_report(out: Path) -> str:
    """Make the report of the study in ``out`` and say where it is.

    Raises:
        ArtifactError: there is no study, or a record is damaged.
        OutputError: the folder cannot be written.
    """
    plan_file = out / PLAN_FILE
    if not plan_file.is_file():
        raise ArtifactError(f"{out} is not a study of `saliedge study`; check the path.")
    analysis = analyse(Plan.read(plan_file), read_records(out))
    if not analysis.rows:
        return f"{out} has no finished row yet; there is nothing to report."
    tables = [accuracy_table(analysis)]
    if analysis.lesion_class:
        tables += saliency_tables(analysis)
    tables.append(class_table(analysis))
    picture = frontier_svg(analysis)
    atomic_write_text(out / "table.csv", csv_text(analysis))
    atomic_write_text(out / "frontier.svg", picture)
    atomic_write_text(out / "report.md", _markdown(analysis, tables))
    recipe = plan_file.read_text(encoding="utf-8")
    atomic_write_text(out / "report.html", _html(analysis, tables, picture, recipe))
    return f"{len(analysis.rows)} rows: {out}/report.html, report.md, table.csv, frontier.svg"


def _notes(analysis: Analysis) -> list[str]:
    """What a reader must know to read the tables."""
    plan = analysis.plan
    optimizer = plan.config().optimizer
    network = plan.config().network
    notes = [
        f"{network.backbone}, {network.width} x {network.height} pixels, {plan.folds} folds by "
        "groups, fixed by the files' contents; every image is tested once, by a network that never "
        "saw its group. Groups are not patients.",
        f"The rows of a fold branch from one float network ({optimizer.epochs_float} epochs) and "
        f"train for {optimizer.epochs} more epochs each; the float row does so in folded float.",
        "Intervals: 95 %, percentile bootstrap over groups. Differences are paired image by image "
        "over the folds that both rows have.",
        "WkAk: k-bit weights and activations in all layers but the first and the last, which keep "
        "8 bit. Bit operations are multiply-accumulates times both widths. Below 8 bit everything "
        "is simulated on 8-bit kernels: no speed follows from a width.",
        "Post-training rows quantise the trained float row. `mse`: activation ranges, and the "
        "weights' ranges of each output channel, of least squared error; "
        "`percentile`: 99.99 % of the activations and the largest weight, the common default.",
        "k = 0 masks nothing, so that the divergence is zero: it is the row without guidance.",
    ]
    for name, tables in plan.own.items():
        settings = ", ".join(
            f"{table}.{entry} = {value}"
            for table, entries in tables.items()
            for entry, value in entries.items()
        )
        notes.append(f"The row {name} has settings of its own: {settings}.")
    if analysis.lesion_class:
        notes.append(
            f"The gradient is |d logit / d input| of {analysis.lesion_class!r}; pointing is taken "
            "on its 9 x 9 mean, energy on the map itself. The gradient at an early map is the same "
            "for a feature map at a quarter of the picture's side; it and the class activation map "
            "are enlarged and not smoothed. SmoothGrad is the mean of a map over eight copies of "
            "the picture with noise of 25 grey levels. An off-centre lesion does not hold the "
            "centre pixel. Masks are read for measuring alone. A figure counts against the blind "
            "rows below it."
        )
    return notes


def _gaps(analysis: Analysis) -> list[str]:
    """What is not there."""
    gaps = []
    partial = [row.row.name for row in analysis.rows if len(row.folds) < analysis.plan.folds]
    if partial:
        gaps.append(
            f"Folds are missing of: {', '.join(partial)}. Rows of other folds were judged on other "
            "images: compare their differences from float, not the figures themselves."
        )
    if analysis.missing:
        gaps.append(f"Not run yet: {', '.join(analysis.missing)}.")
    if analysis.foreign:
        gaps.append(
            f"{analysis.foreign} records in the folder are of another recipe than study.toml's and "
            "are left out."
        )
    return gaps


def _origin(analysis: Analysis) -> str:
    return (
        f"{analysis.hours:.1f} hours of training and measuring ({'; '.join(analysis.machines)}); "
        f"saliedge {', '.join(analysis.versions)}."
    )


def _markdown(analysis: Analysis, tables: Sequence[Table]) -> str:
    parts = ["# Study", "![Accuracy over size and over bit operations](frontier.svg)"]
    for table in tables:
        parts += [f"## {table.title}", table.markdown()]
    gaps = _gaps(analysis)
    if gaps:
        parts += ["## Not there yet", "\n".join(f"- {gap}" for gap in gaps)]
    parts += ["## How to read it", "\n".join(f"- {note}" for note in _notes(analysis))]
    parts.append(_origin(analysis))
    return "\n\n".join(parts) + "\n"


def _html(analysis: Analysis, tables: Sequence[Table], picture: str, recipe: str) -> str:
    parts = [picture]
    for table in tables:
        parts += [f"<h2>{escape(table.title)}</h2>", html_table(table.columns, table.lines)]
    gaps = _gaps(analysis)
    if gaps:
        parts += ["<h2>Not there yet</h2>", html_list(gaps)]
    parts += ["<h2>How to read it</h2>", html_list(_notes(analysis))]
    parts += [f"<p>{escape(_origin(analysis))}</p>"]
    parts += [f"<h2>Recipe</h2><pre>{escape(recipe)}</pre>"]
    return html_page("Study", "".join(parts))
