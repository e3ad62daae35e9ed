"""A table for a model card (Markdown): what each configuration costs, and what INT8 changes."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.absent import Absent
from benchmarks.report import Report, Result
from benchmarks.reporting.cells import DASH, number_cell
from benchmarks.reporting.table import conditions_lines
from benchmarks.summary import Ratio

__all__ = ["CARD", "card_rows", "card_text"]

CARD = (
    "board", "configuration", "p50 ms", "against float", "p90 ms", "FPS", "peak MiB",
    "against float", "model MB", "against float",
)  # fmt: skip
_MIB, _MB = 1 << 20, 1e6


def card_text(reports: Mapping[str, Report]) -> str:
    """Return the Markdown section.

    Args:
        reports: Name of the board -> its report; all of one bundle.
    """
    bundles = ", ".join(
        f"`{bundle.file}` (`{bundle.sha256[:16]}`), input {bundle.width} x {bundle.height}"
        for bundle in next(iter(reports.values())).bundles
    )
    lines = [
        "## Speed, memory and size",
        "",
        f"{bundles}, measured by `bench` of saliedge. Against float: by how much INT8 differs from "
        "the same network in float in the same engine; the time with its interval.",
        "",
        _row(CARD),
        _row(("---", "---", *("---:" for _ in CARD[2:]))),
    ]
    for name, report in reports.items():
        lines += [_row((name, *row)) for row in card_rows(report)]
    lines.append("")
    for name, report in reports.items():
        state = "stable" if not report.findings else f"not stable: {' '.join(report.findings)}"
        lines += [f"**{name}**, {state}", ""]
        lines += [f"- {line}" for line in conditions_lines(report)[len(report.bundles) :]]
        lines.append("")
    return "\n".join(lines)


def card_rows(report: Report) -> list[tuple[str, ...]]:
    """A line for each configuration, under :data:`CARD` without the board."""
    of_name = {result.configuration: result for result in report.results}
    against = {ratio.numerator: ratio for ratio in report.ratios if ratio.kind == "precision"}
    rows: list[tuple[str, ...]] = []
    for result in report.results:
        ratio = against.get(result.configuration)
        float_twin = None if ratio is None else of_name[ratio.denominator]
        summary = result.summary
        inference = summary.stages_ms["inference"]
        rows.append(
            (
                result.configuration.name,
                number_cell(inference["p50"], 2),
                _time_change(ratio),
                number_cell(inference["p90"], 2),
                number_cell(summary.fps, 1),
                number_cell(summary.memory_peak_bytes, 0, _MIB),
                _peak_change(result, float_twin),
                number_cell(result.model_bytes, 2, _MB),
                DASH
                if float_twin is None
                else _percent(result.model_bytes / float_twin.model_bytes),
            )
        )
    return rows


def _time_change(ratio: Ratio | None) -> str:
    if ratio is None:
        return DASH
    interval = ratio.interval
    if isinstance(interval.low, Absent) or isinstance(interval.high, Absent):
        return _percent(interval.median)
    return f"{_percent(interval.median)} ({_percent(interval.low)} to {_percent(interval.high)})"


def _peak_change(result: Result, float_twin: Result | None) -> str:
    if float_twin is None:
        return DASH
    ours, theirs = result.summary.memory_peak_bytes, float_twin.summary.memory_peak_bytes
    if isinstance(ours, Absent) or isinstance(theirs, Absent):
        return DASH
    return _percent(ours / theirs)


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.0f} %"


def _row(cells: tuple[str, ...]) -> str:
    """A line of a Markdown table; a bar in a name would end its cell."""
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
