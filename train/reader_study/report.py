"""The analysis as tables: for a terminal, in Markdown, and as one page that loads nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.files import atomic_directory, atomic_write_text, wrote
from edge_runtime.metrics import Interval
from edge_runtime.reporting.page import html_list, html_page, html_table
from edge_runtime.reporting.text_table import text_table
from train.reader_study.findings import MAP_NAMES, Analysis, Condition, Difference

__all__ = ["report_html", "report_markdown", "report_text", "write_report"]

_ABSENT = "-"
_FIGURES: dict[str, tuple[str, str]] = {
    "accuracy": ("accuracy", "percent"),
    "accuracy_network_right": ("where the network is right", "percent"),
    "accuracy_network_wrong": ("where it is wrong", "percent"),
    "confidence": ("confidence", "step"),
    "confidence_right": ("when right", "step"),
    "confidence_wrong": ("when wrong", "step"),
    "usefulness": ("usefulness", "step"),
    "seconds": ("seconds", "time"),
}


@dataclass(frozen=True)
class _Table:
    """A heading, the names of the columns and the cells; the first column is words."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


is_earlier_report = wrote("analysis.json", "report.md", "report.html")
"""Whether a folder is of an earlier analysis, and nothing else."""


def write_report(analysis: Analysis, out: Path, force: bool = False) -> None:
    """Write ``analysis.json``, ``report.md`` and ``report.html`` into a folder.

    Raises:
        OutputError: it exists without ``force``, or cannot be written.
    """
    with atomic_directory(out, force, is_earlier_report) as folder:
        record = json.dumps(analysis.to_json(), indent=1) + "\n"
        atomic_write_text(folder / "analysis.json", record)
        atomic_write_text(folder / "report.md", report_markdown(analysis))
        atomic_write_text(folder / "report.html", report_html(analysis))


def report_text(analysis: Analysis) -> str:
    """For a terminal."""
    parts = [f"{analysis.key.title}: {_summary(analysis)}"]
    for table in _tables(analysis):
        parts.append(f"{table.title}\n\n{text_table(table.columns, table.lines)}")
    parts.append("\n".join(f"- {note}" for note in _notes(analysis)))
    return "\n\n".join(parts)


def report_markdown(analysis: Analysis) -> str:
    """As Markdown."""
    parts = [f"# {_plain(analysis.key.title)}", _summary(analysis)]
    for table in _tables(analysis):
        rule = ["---", *["---:"] * (len(table.columns) - 1)]
        rows = [table.columns, rule, *([_plain(cell) for cell in line] for line in table.lines)]
        body = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        parts += [f"## {table.title}", body]
    parts += ["## How to read it", "\n".join(f"- {_plain(note)}" for note in _notes(analysis))]
    return "\n\n".join(parts) + "\n"


def report_html(analysis: Analysis) -> str:
    """As a page."""
    parts = [html_list([_summary(analysis)])]
    for table in _tables(analysis):
        parts += [f"<h2>{table.title}</h2>", html_table(table.columns, table.lines, 1)]
    parts += ["<h2>How to read it</h2>", html_list(_notes(analysis))]
    return html_page(f"{analysis.key.title}: analysis", "\n".join(parts))


def _summary(analysis: Analysis) -> str:
    readings = sum(reader.readings for reader in analysis.readers)
    maps = "; ".join(
        f"{name} is {source.title}"
        for name, source in zip(MAP_NAMES, analysis.key.maps, strict=False)
    )
    return (
        f"{len(analysis.readers)} of {analysis.key.readers} readers, {len(analysis.key.cases)} "
        f"images, {readings} readings; {maps}."
    )


def _tables(analysis: Analysis) -> list[_Table]:
    tables = [
        _condition_table(analysis.conditions),
        _difference_table(analysis.differences),
        _sensitivity_table(analysis.conditions),
    ]
    if analysis.preference is not None:
        tables.append(_preference_table(analysis))
    return [*tables, _agreement_table(analysis), _reader_table(analysis)]


def _condition_table(conditions: Sequence[Condition]) -> _Table:
    lines = [
        (
            condition.name,
            str(condition.readings),
            *(
                _cell(condition.figures.get(name), *_FORMS[kind])
                for name, (_, kind) in _FIGURES.items()
            ),
        )
        for condition in conditions
    ]
    columns = ("", "readings", *(title for title, _ in _FIGURES.values()))
    return _Table("With and without maps", columns, tuple(lines))


def _difference_table(differences: Sequence[Difference]) -> _Table:
    lines = [
        (
            f"{found.name} against {found.other}",
            *(
                _cell(found.figures.get(name), *_DIFFERENCES[kind])
                for name, (_, kind) in _FIGURES.items()
            ),
        )
        for found in differences
    ]
    titles = [f"{title}, ratio" if kind == "time" else title for title, kind in _FIGURES.values()]
    return _Table("What the maps changed", ("", *titles), tuple(lines))


def _sensitivity_table(conditions: Sequence[Condition]) -> _Table:
    classes = list(conditions[0].sensitivity)
    lines = [
        (label, *(_cell(found.sensitivity[label], *_FORMS["percent"]) for found in conditions))
        for label in classes
    ]
    columns = ("class", *(found.name for found in conditions))
    return _Table("Right answers by class", columns, tuple(lines))


def _preference_table(analysis: Analysis) -> _Table:
    found = analysis.preference
    assert found is not None
    percent, points = _FORMS["percent"], _DIFFERENCES["percent"]
    lines = [(name, _cell(share, *percent)) for name, share in found.shares.items()]
    lines.append(("map A less map B", _cell(found.first_minus_second, *points)))
    lines.append(("on the left, of those that chose", _cell(found.left, *percent)))
    return _Table(
        f"Preferred map, side by side, {found.answers} answers", ("", "share"), tuple(lines)
    )


def _agreement_table(analysis: Analysis) -> _Table:
    lines = [
        (
            found.name,
            _cell(found.kappa, *_FORMS["kappa"]),
            str(found.readers),
            str(found.cases),
            str(found.left_out),
        )
        for found in analysis.agreement
    ]
    columns = ("question", "Fleiss' kappa", "answers to an image", "images", "left out")
    return _Table("Agreement between readers", columns, tuple(lines))


def _reader_table(analysis: Analysis) -> _Table:
    names = [condition.name for condition in analysis.conditions]
    lines = [
        (
            f"{row.reader}" if row.complete else f"{row.reader} (unfinished)",
            str(row.readings),
            *(
                _ABSENT if math.isnan(row.accuracy[name]) else f"{row.accuracy[name]:.0%}"
                for name in names
            ),
            f"{row.minutes:.1f}",
            str(row.breaks),
        )
        for row in analysis.readers
    ]
    columns = ("reader", "readings", *(f"right, {name}" for name in names), "minutes", "breaks")
    return _Table("Reader by reader", columns, tuple(lines))


def _notes(analysis: Analysis) -> list[str]:
    notes = [
        "Intervals: 95 %, percentiles of 1000 resamples of readers and of groups of images "
        "together (arXiv 0712.1111); of kappa, of groups of images alone. An interval without "
        "width is no certainty.",
        "Each reader read each image once, so that conditions are compared between images of "
        "one reader and between readers of one image. Differences are in percentage points and "
        "steps of the scales from 1 to 5; seconds are geometric means, compared by their ratio.",
        "Usefulness: 1 misleading, 5 very helpful, asked beside a map only. The network is "
        "right on an image where every map explains its true class, wrong where none does; "
        "readers were not told what it says.",
        "Kappa is 0 for what chance gives and 1 for no disagreement; it moves with the "
        "classes' frequencies.",
    ]
    readers, conditions = len(analysis.readers), 1 + len(analysis.key.maps)
    if readers == 1:
        notes.append("One reader: the intervals tell nothing of other readers.")
    unfinished = [str(row.reader) for row in analysis.readers if not row.complete]
    if readers % conditions or unfinished:
        notes.append(
            "Not every image was read equally often in every condition, so that hard images may "
            "weigh more in one of them than in another."
        )
    if unfinished:
        notes.append(f"Unfinished: reader {', '.join(unfinished)}.")
    return notes


def _cell(interval: Interval | None, form: Callable[[float], str], unit: str) -> str:
    if interval is None or math.isnan(interval.value):
        return _ABSENT
    if math.isnan(interval.low):
        return f"{form(interval.value)}{unit}"
    return f"{form(interval.value)}{unit} ({form(interval.low)} to {form(interval.high)})"


_FORMS: dict[str, tuple[Callable[[float], str], str]] = {
    "percent": (lambda value: f"{100 * value:.1f}", " %"),
    "step": (lambda value: f"{value:.2f}", ""),
    "time": (lambda value: f"{value:.1f}", ""),
    "kappa": (lambda value: f"{value:.2f}", ""),
}
_DIFFERENCES: dict[str, tuple[Callable[[float], str], str]] = {
    "percent": (lambda value: f"{100 * value:+.1f}", ""),
    "step": (lambda value: f"{value:+.2f}", ""),
    "time": (lambda value: f"{value:.2f}", ""),
}


def _plain(text: str) -> str:
    """Text that Markdown takes for nothing else."""
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
