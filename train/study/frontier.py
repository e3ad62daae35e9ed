"""The frontier of accuracy over size and over arithmetic, as a picture that needs no library (SVG).

Each point is a row with its 95 % interval, its colour the method and its shape the width of the
activations; the line joins the rows that no other row beats with as few bytes or bit operations. A
row that lacks folds is hollow, and no part of the line: it was judged on other images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from edge_runtime.reporting.charts import FAINT, INK, picture
from train.study.analysis import Analysis, RowFigures

__all__ = ["frontier_svg", "undominated"]

_WIDTH, _HEIGHT = 1080, 500
_LEFT, _TOP, _PANEL, _GAP, _BOTTOM = 70, 86, 430, 80, 410
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
_SIZE = 4.5
_SHAPES = {8: "8-bit activations, or float", 4: "4 bit", 2: "2 bit"}


@dataclass(frozen=True)
class _Point:
    row: RowFigures
    cost: float
    label: str
    whole: bool

    @property
    def accuracy(self) -> float:
        return self.row.figures["accuracy"].value

    @property
    def aside(self) -> float:
        """Pixels that the point is moved by, so that families do not hide each other."""
        place = list(_FAMILIES).index(self.row.row.title)
        return 0.0 if self.row.row.is_float else (place - 3.5) * _ASIDE


def frontier_svg(analysis: Analysis) -> str:
    """Two panels, accuracy over bytes and over bit operations; costs are on a logarithmic scale."""
    whole = analysis.plan.folds
    drawn = [row for row in analysis.rows if row.row.title in _FAMILIES]
    panels: tuple[tuple[str, Callable[[RowFigures], tuple[float, str]]], ...] = (
        ("weights, megabytes", lambda row: (row.weight_bytes / 1e6, _weight_label(row))),
        (
            "bit operations of an inference, thousand millions",
            lambda row: (row.bit_operations / 1e9, row.row.width),
        ),
    )
    parts = []
    for number, (axis, place_of) in enumerate(panels):
        points = [_Point(row, *place_of(row), len(row.folds) == whole) for row in drawn]
        left = _LEFT + number * (_PANEL + _GAP)
        parts.append(_panel(points, axis, left) if points else "")
    note = "Simulated on 8-bit kernels: below 8 bit, fewer bit operations are no shorter latency."
    foot = f'<text x="{_LEFT}" y="{_HEIGHT - 12}">{escape(note)}</text>'
    return picture(_WIDTH, _HEIGHT, [_legend(), *parts, foot])


def undominated(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Of (cost, accuracy), those that no other reaches at the same or less cost, by cost."""
    kept: list[tuple[float, float]] = []
    for cost, accuracy in sorted(points, key=lambda point: (point[0], -point[1])):
        if not kept or accuracy > kept[-1][1]:
            kept.append((cost, accuracy))
    return kept


def _weight_label(row: RowFigures) -> str:
    return "float" if row.row.is_float else f"{row.row.weight_bits}-bit weights"


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
    places = {(p.cost, p.accuracy): x(p.cost) + p.aside for p in reversed(points) if p.whole}
    if len(line) > 1:
        path = " ".join(f"{places[place]:.1f},{y(place[1]):.1f}" for place in line)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{INK}" stroke-dasharray="4 3"/>'
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
            f'stroke="{FAINT}"/><text x="{left - 6}" y="{y(value) + 4:.1f}" '
            f'text-anchor="end">{value:.0%}</text>'
        )
    for exponent in range(math.floor(span_x[0]), math.ceil(span_x[1]) + 1):
        for digit in (1, 2, 5):
            value = digit * 10.0**exponent
            if span_x[0] <= math.log10(value) <= span_x[1]:
                parts.append(
                    f'<line x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{_BOTTOM}" '
                    f'y2="{_BOTTOM + 5}" stroke="{INK}"/><text x="{x(value):.1f}" '
                    f'y="{_BOTTOM + 19}" text-anchor="middle">{value:g}</text>'
                )
    parts.append(
        f'<line x1="{left}" x2="{right}" y1="{_BOTTOM}" y2="{_BOTTOM}" stroke="{INK}"/>'
        f'<text x="{(left + right) / 2}" y="{_BOTTOM + 40}" text-anchor="middle">'
        f"{escape(axis)}</text>"
    )
    return "".join(parts)


def _mark(point: _Point, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    colour = _FAMILIES[point.row.row.title]
    column, found = x(point.cost) + point.aside, point.row.figures["accuracy"]
    bits = min(point.row.row.activation_bits, 8)
    title = f"{point.row.row.name}: {found:.1%}"
    fill = colour if point.whole else "white"
    return (
        f"<g><title>{escape(title)}</title>"
        f'<line x1="{column:.1f}" x2="{column:.1f}" y1="{y(found.low):.1f}" '
        f'y2="{y(found.high):.1f}" stroke="{colour}" stroke-width="1.5"/>'
        f"{_shape(bits, column, y(found.value), fill, colour)}</g>"
    )


def _shape(bits: int, x: float, y: float, fill: str, colour: str) -> str:
    """A circle, a triangle or a square around a place."""
    paint = f'fill="{fill}" stroke="{colour}" stroke-width="1.5"'
    if bits == 8:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_SIZE}" {paint}/>'
    corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
    if bits == 4:
        corners = [(0.0, -1.25), (1.2, 0.95), (-1.2, 0.95)]
    path = " ".join(f"{x + _SIZE * dx:.1f},{y + _SIZE * dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{path}" {paint}/>'


def _width_labels(points: Sequence[_Point], x: Callable[[float], float]) -> list[str]:
    """What lies at each place, above the panel; close ones one above the other."""
    places: dict[float, list[str]] = {}
    for point in points:
        names = places.setdefault(round(x(point.cost), 1), [])
        if point.label not in names:
            names.append(point.label)
    labels: list[str] = []
    last, level = -math.inf, 0
    for column in sorted(places):
        level = (level + 1) % 2 if column - last < 76 else 0
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
    column = float(_LEFT)
    for bits, name in _SHAPES.items():
        parts.append(_shape(bits, column, 36, INK, INK))
        parts.append(f'<text x="{column + 10:.0f}" y="40">{escape(name)}</text>')
        column += 40 + 6.6 * len(name)
    parts.append(_shape(8, column, 36, "white", INK))
    parts.append(f'<text x="{column + 10:.0f}" y="40">folds missing</text>')
    return "".join(parts)
