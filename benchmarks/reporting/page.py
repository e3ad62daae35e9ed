"""The report as one HTML page that loads nothing."""

from __future__ import annotations

from html import escape

from benchmarks.report import Report
from benchmarks.reporting.pictures import latency_svg, memory_svg, rounds_svg
from benchmarks.reporting.table import (
    COSTS,
    FIGURES,
    RATIOS,
    conditions_lines,
    cost_rows,
    figure_rows,
    notes_lines,
    ratio_rows,
)
from edge_runtime.reporting.page import html_list, html_page, html_table

__all__ = ["report_html", "report_section"]


def report_html(report: Report) -> str:
    """Return the page: verdict, latencies, processes, memory, tables and conditions."""
    names = ", ".join(dict.fromkeys(bundle.name for bundle in report.bundles))
    return html_page(f"bench: {names}", report_section(report))


def report_section(report: Report) -> str:
    """Return the inside of the page, for a page that shows more than this."""
    verdict = (
        "<p><b>Not stable.</b></p>" + html_list(report.findings)
        if report.findings
        else "<p><b>Stable:</b> the processes agree with each other, and none was still warming "
        "up.</p>"
    )
    parts = [
        f"<p>{'<br>'.join(escape(line) for line in conditions_lines(report))}</p>",
        verdict,
        latency_svg(report.results),
        html_table(FIGURES, figure_rows(report.results), words=1),
        html_table(COSTS, cost_rows(report.results), words=1),
        rounds_svg(report.results),
        memory_svg(report.results),
    ]
    if report.ratios:
        ratios = html_table(RATIOS, ratio_rows(report.ratios), words=1)
        parts += ["<h2>Ratios, round by round</h2>", ratios]
    parts += ["<h2>How to read it</h2>", html_list(notes_lines(report))]
    parts.append(f"<p>Measured {escape(report.started_utc)}, in {report.seconds:.0f} seconds.</p>")
    return "\n".join(parts)
