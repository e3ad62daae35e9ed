"""Many boards as one HTML page that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from benchmarks.absent import Absent
from benchmarks.merge.boards import Boards
from benchmarks.merge.card import CARD, card_rows
from benchmarks.reporting.table import conditions_lines
from edge_runtime.reporting.charts import ACCENT, picture
from edge_runtime.reporting.page import html_list, html_page, html_table

__all__ = ["boards_html", "boards_svg"]

_WIDTH, _LEFT, _RIGHT = 1120, 330, 90
_BAR, _ROW, _GROUP = 14, 20, 34
_INT8, _FLOAT = ACCENT, "#a8a8a8"


def boards_html(boards: Boards) -> str:
    """Return the page: a picture and a table of all boards, and each board's conditions."""
    rows = [(name, *row) for name, report in boards.reports.items() for row in card_rows(report)]
    parts = [boards_svg(boards), html_table(CARD, rows, words=2)]
    for name, report in boards.reports.items():
        parts.append(f"<h2>{escape(name)}</h2>")
        parts.append(f"<p>{'<br>'.join(escape(line) for line in conditions_lines(report))}</p>")
        parts.append(
            f"<p><b>Not stable.</b></p>{html_list(report.findings)}"
            if report.findings
            else "<p><b>Stable.</b></p>"
        )
        parts.append(f"<p>Measured {escape(report.started_utc)}.</p>")
    return html_page(f"bench: {boards.bundle} on {len(boards.reports)} boards", "\n".join(parts))


def boards_svg(boards: Boards) -> str:
    """A bar for the median inference of each configuration, board by board."""
    groups: list[tuple[str, list[tuple[str, float, bool]]]] = []
    for name, report in boards.reports.items():
        bars = []
        for result in report.results:
            p50 = result.summary.stages_ms["inference"]["p50"]
            if not isinstance(p50, Absent):
                configuration = result.configuration
                bars.append((configuration.name, p50, configuration.precision == "int8"))
        groups.append((name, bars))
    longest = max(value for _, bars in groups for _, value, _ in bars)
    parts: list[str] = []
    y = 40
    for name, bars in groups:
        parts.append(f'<text x="8" y="{y}" font-weight="bold">{escape(name)}</text>')
        y += 10
        parts += _bars(bars, y, longest)
        y += _ROW * len(bars) + _GROUP
    return picture(_WIDTH, y, parts, "Median inference, milliseconds: INT8 blue, float grey")


def _bars(bars: Sequence[tuple[str, float, bool]], top: int, longest: float) -> list[str]:
    parts = []
    for index, (name, value, is_int8) in enumerate(bars):
        y = top + _ROW * index
        width = value / longest * (_WIDTH - _LEFT - _RIGHT)
        parts.append(
            f'<text x="{_LEFT - 8}" y="{y + 11}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR}" '
            f'fill="{_INT8 if is_int8 else _FLOAT}"/>'
            f'<text x="{_LEFT + width + 6:.1f}" y="{y + 11}">{value:.2f}</text>'
        )
    return parts
