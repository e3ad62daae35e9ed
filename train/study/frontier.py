"""The frontier of accuracy over size and over arithmetic, as a picture that needs no library (SVG).

Each point is a row with its 95 % interval; the line joins the rows that no other row beats with as
few bytes or bit operations. A row that lacks folds is hollow, and no part of the line: it was
judged on other images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from train.study.analysis import Analysis, RowFigures

__all__ = ["frontier_svg", "undominated"]

_WIDTH, _HEIGHT = 1080, 470
_LEFT, _TOP, _PANEL, _GAP, _BOTTOM = 70, 56, 430, 80, 380
_INK, _FAINT = "#222222", "#d8d8d8"
_FAMILIES = {
    "float": "#222222",
    "SGT": "#7a5195",
    "PACT": "#0868ac",
    "PACT + SGT": "#d95f0e",
    "post-training, mse ranges": "#777777",
    "post-training, percentile ranges": "#bbbbbb",
}
# Points of one width lie at one place; each family is moved aside by so many pixels.
_ASIDE = 9


@dataclass(frozen=True)
class _Point:
    row: RowFigures
    cost: float
    accuracy: float
    whole: bool


def frontier_svg(analysis: Analysis) -> str:
    """Two panels, accuracy over bytes and over bit operations; costs are on a logarithmic scale."""
    whole = analysis.plan.folds
    panels: tuple[tuple[str, Callable[[RowFigures], float]], ...] = (
        ("weights, megabytes", lambda row: row.weight_bytes / 1e6),
        ("bit operations of an inference, thousand millions", lambda row: row.bit_operations / 1e9),
    )
    parts = []
    for number, (axis, cost_of) in enumerate(panels):
        points = [
            _Point(row, cost_of(row), row.figures["accuracy"].value, len(row.folds) == whole)
            for row in analysis.rows
            if _family(row) in _FAMILIES
        ]
        left = _LEFT + number * (_PANEL + _GAP)
        parts.append(_panel(points, axis, left) if points else "")
    note = "Simulated on 8-bit kernels: below 8 bit, fewer bit operations are no shorter latency."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="{_INK}">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>'
        f"{_legend()}{''.join(parts)}"
        f'<text x="{_LEFT}" y="{_HEIGHT - 12}">{escape(note)}</text></svg>\n'
    )


def undominated(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Of (cost, accuracy), those that no other reaches at the same or less cost, by cost."""
    kept: list[tuple[float, float]] = []
    for cost, accuracy in sorted(points, key=lambda point: (point[0], -point[1])):
        if not kept or accuracy > kept[-1][1]:
            kept.append((cost, accuracy))
    return kept


def _family(row: RowFigures) -> str:
    return row.row.title


def _panel(points: Sequence[_Point], axis: str, left: int) -> str:
    costs = [point.cost for point in points]
    low_x, high_x = math.log10(min(costs)) - 0.12, math.log10(max(costs)) + 0.12
    low_y = min(point.row.figures["accuracy"].low for point in points)
    low_y, high_y = math.floor(low_y * 20 - 0.2) / 20, 1.0

    def x(cost: float) -> float:
        return left + (math.log10(cost) - low_x) / (high_x - low_x) * _PANEL

    def y(accuracy: float) -> float:
        return _BOTTOM - (accuracy - low_y) / (high_y - low_y) * (_BOTTOM - _TOP)

    parts = [_axes(axis, left, (low_x, high_x), (low_y, high_y), x, y)]
    line = undominated([(point.cost, point.accuracy) for point in points if point.whole])
    if len(line) > 1:
        path = " ".join(f"{x(cost):.1f},{y(accuracy):.1f}" for cost, accuracy in line)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{_INK}" stroke-dasharray="4 3"/>'
        )
    parts += [_mark(point, x, y) for point in points]
    parts += _width_labels(points, x)
    return "".join(parts)


def _axes(
    axis: str,
    left: int,
    span_x: tuple[float, float],
    span_y: tuple[float, float],
    x: Callable[[float], float],
    y: Callable[[float], float],
) -> str:
    right = left + _PANEL
    step = 0.05 if span_y[1] - span_y[0] <= 0.4 else 0.1
    parts = []
    for index in range(round((span_y[1] - span_y[0]) / step) + 1):
        value = span_y[1] - index * step
        parts.append(
            f'<line x1="{left}" x2="{right}" y1="{y(value):.1f}" y2="{y(value):.1f}" '
            f'stroke="{_FAINT}"/><text x="{left - 6}" y="{y(value) + 4:.1f}" '
            f'text-anchor="end">{value:.0%}</text>'
        )
    for exponent in range(math.floor(span_x[0]), math.ceil(span_x[1]) + 1):
        for digit in (1, 2, 5):
            value = digit * 10.0**exponent
            if span_x[0] <= math.log10(value) <= span_x[1]:
                parts.append(
                    f'<line x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{_BOTTOM}" '
                    f'y2="{_BOTTOM + 5}" stroke="{_INK}"/><text x="{x(value):.1f}" '
                    f'y="{_BOTTOM + 19}" text-anchor="middle">{value:g}</text>'
                )
    parts.append(
        f'<line x1="{left}" x2="{right}" y1="{_BOTTOM}" y2="{_BOTTOM}" stroke="{_INK}"/>'
        f'<text x="{(left + right) / 2}" y="{_BOTTOM + 40}" text-anchor="middle">'
        f"{escape(axis)}</text>"
    )
    return "".join(parts)


def _mark(point: _Point, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    names = list(_FAMILIES)
    place = names.index(_family(point.row))
    colour = _FAMILIES[names[place]]
    aside = 0 if point.row.row.is_float else (place - 3.5) * _ASIDE
    column, found = x(point.cost) + aside, point.row.figures["accuracy"]
    title = f"{point.row.row.name}: {found.value:.1%} ({found.low:.1%} to {found.high:.1%})"
    fill = colour if point.whole else "white"
    return (
        f"<g><title>{escape(title)}</title>"
        f'<line x1="{column:.1f}" x2="{column:.1f}" y1="{y(found.low):.1f}" '
        f'y2="{y(found.high):.1f}" stroke="{colour}" stroke-width="1.5"/>'
        f'<circle cx="{column:.1f}" cy="{y(found.value):.1f}" r="4.5" fill="{fill}" '
        f'stroke="{colour}" stroke-width="1.5"/></g>'
    )


def _width_labels(points: Sequence[_Point], x: Callable[[float], float]) -> list[str]:
    """The widths above the panel, one label for each place; close ones one above the other."""
    places: dict[float, list[str]] = {}
    for point in points:
        names = places.setdefault(round(x(point.cost), 1), [])
        if point.row.row.width not in names:
            names.append(point.row.row.width)
    labels: list[str] = []
    last, level = -math.inf, 0
    for column in sorted(places):
        level = (level + 1) % 2 if column - last < 60 else 0
        last = column
        labels.append(
            f'<text x="{column:.1f}" y="{_TOP - 6 - 13 * level}" text-anchor="middle" '
            f'font-size="11">{escape(", ".join(places[column]))}</text>'
        )
    return labels


def _legend() -> str:
    parts, column = [], float(_LEFT)
    for name, colour in _FAMILIES.items():
        parts.append(
            f'<circle cx="{column:.0f}" cy="16" r="5" fill="{colour}"/>'
            f'<text x="{column + 10:.0f}" y="20">{escape(name)}</text>'
        )
        column += 40 + 6.6 * len(name)
    parts.append(
        f'<circle cx="{column:.0f}" cy="16" r="5" fill="white" stroke="{_INK}"/>'
        f'<text x="{column + 10:.0f}" y="20">folds missing</text>'
    )
    return "".join(parts)
