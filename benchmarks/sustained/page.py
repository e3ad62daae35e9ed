"""A long run as one HTML page that loads nothing."""

from __future__ import annotations

from html import escape

from benchmarks.sustained.report import SustainedReport
from benchmarks.sustained.table import FIGURES, conditions_lines, figure_rows, notes_lines
from benchmarks.sustained.timeline import timeline_svg, tracks
from edge_runtime.reporting.page import html_list, html_page, html_table

__all__ = ["sustained_html", "sustained_section"]


def sustained_html(report: SustainedReport) -> str:
    """Return the page: conditions, verdict, timeline and figures."""
    return html_page(f"bench, sustained: {report.bundle.name}", sustained_section(report))


def sustained_section(report: SustainedReport) -> str:
    """Return the inside of the page, for a page that shows more than this."""
    first, *others = report.verdict.sentences
    missing = [
        f"{track.name}: {track.missing}"
        for track in tracks(report.moments)
        if track.missing is not None
    ]
    parts = [
        f"<p>{'<br>'.join(escape(line) for line in conditions_lines(report))}</p>",
        f"<p><b>{escape(first)}</b></p>",
        html_list(others),
        timeline_svg(report),
    ]
    if missing:
        parts.append(f"<p>Not drawn:</p>{html_list(missing)}")
    parts.append(html_table(FIGURES, figure_rows(report), words=2))
    parts.append(html_list(notes_lines(report)))
    parts.append(f"<p>Measured {escape(report.started_utc)}.</p>")
    return "\n".join(parts)
