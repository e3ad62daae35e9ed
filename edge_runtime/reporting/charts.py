"""Small charts as SVG text for reports: no library, no script, the same bytes on every machine.

Every chart is an ``<svg>`` element that scales with the page; a mark's ``<title>`` is shown where a
pointer rests on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from edge_runtime.quick_dataclass import dataclass

__all__ = [
    "ACCENT",
    "FAINT",
    "INK",
    "WARM",
    "Mark",
    "Series",
    "bar",
    "columns",
    "histogram",
    "lines",
    "picture",
]

INK, FAINT, ACCENT, WARM = "#222222", "#d8d8d8", "#0868ac", "#c1440e"
_BAR = 90


@dataclass(frozen=True)
class Mark:
    """A vertical line across a histogram.

    Attributes:
        value: where.
        label: what it is, or empty.
        colour: of the line.
    """

    value: float
    label: str = ""
    colour: str = WARM


@dataclass(frozen=True)
class Series:
    """Values over positions 0, 1, 2, ...; None where there is none.

    Attributes:
        name: for the legend.
        values: one for each position.
        colour: of the line.
    """

    name: str
    values: Sequence[float | None]
    colour: str = ACCENT


def picture(
    width: int, height: int, parts: Sequence[str], title: str = "", *, fixed: bool = False
) -> str:
    """A picture on a white ground, to stand in a page or in a file of its own.

    Args:
        width: in its own units.
        height: likewise.
        parts: SVG elements, the later ones above the earlier.
        title: plain text for the upper left corner, 20 units high; empty for none.
        fixed: one unit is one pixel; else it is as wide as what it stands in.
    """
    size = f'width="{width}" ' if fixed else ""
    heading = f'<text x="8" y="16" font-weight="bold">{escape(title)}</text>' if title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {size}'
        f'font-family="sans-serif" font-size="12" fill="{INK}">'
        f'<rect width="{width}" height="{height}" fill="white"/>{heading}{"".join(parts)}</svg>\n'
    )


def bar(share: float) -> str:
    """A horizontal bar for a cell of a table, ``share`` of the cell from 0 to 1."""
    length = max(0.0, min(1.0, share)) * _BAR
    return (
        f'<svg width="{_BAR}" height="10" viewBox="0 0 {_BAR} 10">'
        f'<rect width="{length:.1f}" height="10" fill="{ACCENT}"/></svg>'
    )


def histogram(
    counts: Sequence[int],
    low: float,
    high: float,
    marks: Sequence[Mark] = (),
    *,
    width: int = 300,
    height: int = 120,
    labelled: bool = True,
) -> str:
    """Counts over equal bins of [low, high], on a square-root scale so that small bins show.

    Args:
        counts: of each bin.
        low: lower end of the first bin.
        high: upper end of the last.
        marks: vertical lines.
        width: of the picture, in its own units.
        height: likewise.
        labelled: whether ends and marks are named below; without, for a cell of a table.
    """
    bottom = height - 30 if labelled else height
    peak = max([*counts, 1]) ** 0.5
    step = width / len(counts)
    parts = [
        f'<rect x="{index * step:.1f}" y="{bottom - count**0.5 / peak * bottom:.1f}" '
        f'width="{max(step - 0.4, 0.4):.1f}" height="{count**0.5 / peak * bottom:.1f}" '
        f'fill="{ACCENT}"/>'
        for index, count in enumerate(counts)
        if count
    ]
    parts.append(f'<path d="M0 {bottom}H{width}" stroke="{INK}"/>')
    for mark in marks:
        x = (mark.value - low) / (high - low) * width
        parts.append(f'<path d="M{x:.1f} 0V{bottom}" stroke="{mark.colour}" stroke-width="1.5"/>')
        if labelled and mark.label:
            parts.append(
                f'<text x="{x:.1f}" y="{bottom + 26}" text-anchor="middle" '
                f'fill="{mark.colour}">{escape(mark.label)}</text>'
            )
    if labelled:
        parts.append(
            f'<text x="0" y="{bottom + 13}">{low:.3g}</text>'
            f'<text x="{width}" y="{bottom + 13}" text-anchor="end">{high:.3g}</text>'
        )
    return _svg(width, height, parts, fixed=not labelled)


def columns(values: Sequence[tuple[str, float]]) -> str:
    """A column for each (label, value); the value stands above it.

    The height is the square root of the value, so that a few among many can be seen.
    """
    width, height = 300, 150
    top, bottom = 16, height - 18
    peak = max([value for _, value in values] + [1e-12]) ** 0.5
    step = width / max(1, len(values))
    parts = [f'<path d="M0 {bottom}H{width}" stroke="{INK}"/>']
    for index, (label, value) in enumerate(values):
        length = max(value, 0) ** 0.5 / peak * (bottom - top)
        middle = (index + 0.5) * step
        parts.append(
            f'<rect x="{index * step + step * 0.15:.1f}" y="{bottom - length:.1f}" '
            f'width="{step * 0.7:.1f}" height="{length:.1f}" fill="{ACCENT}"/>'
            f'<text x="{middle:.1f}" y="{bottom + 14}" text-anchor="middle">{escape(label)}</text>'
            f'<text x="{middle:.1f}" y="{bottom - length - 4:.1f}" text-anchor="middle" '
            f'font-size="10">{value:g}</text>'
        )
    return _svg(width, height, parts)


def lines(
    names: Sequence[str],
    series: Sequence[Series],
    unit: str,
    named: Sequence[str] = (),
) -> str:
    """Lines over named positions, from 0 up; only some of the names are written.

    Args:
        names: of the positions, in order.
        series: the lines; the first one's points carry the written names.
        unit: of the values, beside the axis.
        named: positions whose name is written.
    """
    width, height = 1000, 300
    left, top, bottom = 44, 30, height - 12
    known = [value for one in series for value in one.values if value is not None]
    peak = max([*known, 1.0])
    grid = _grid_step(peak)
    peak = grid * (int(peak / grid) + 1)

    def x(index: int) -> float:
        return left + (index + 0.5) * (width - left) / max(1, len(names))

    def y(value: float) -> float:
        return bottom - max(value, 0.0) / peak * (bottom - top)

    parts = []
    for number in range(round(peak / grid) + 1):
        value = number * grid
        parts.append(
            f'<path d="M{left} {y(value):.1f}H{width}" stroke="{FAINT}"/>'
            f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    parts.append(f'<text x="{left - 6}" y="{top - 16}" text-anchor="end">{escape(unit)}</text>')
    for one in series:
        parts += _line(names, one, x, y)
    parts += _legend(series, left + 10)
    written = float(top)
    places = [(names.index(name), series[0].values[names.index(name)]) for name in named]
    # From the top, each below the one before: points that lie close have names that do not overlap.
    for index, place in sorted(places, key=lambda found: -(found[1] or 0.0)):
        if place is not None:
            written = max(written + 14, y(place) + 18)
            anchor = "start" if index < len(names) / 2 else "end"
            parts.append(
                f'<text x="{x(index):.1f}" y="{written:.1f}" '
                f'text-anchor="{anchor}" '
                f'fill="{WARM}">{escape(names[index])}</text>'
                f'<circle cx="{x(index):.1f}" cy="{y(place):.1f}" r="4" fill="{WARM}"/>'
            )
    return _svg(width, height, parts)


def _line(
    names: Sequence[str], one: Series, x: Callable[[int], float], y: Callable[[float], float]
) -> list[str]:
    """A polyline through the known values, and a point with a title at each."""
    known = [(index, value) for index, value in enumerate(one.values) if value is not None]
    path = " ".join(f"{x(index):.1f},{y(value):.1f}" for index, value in known)
    points = [
        f'<circle cx="{x(index):.1f}" cy="{y(value):.1f}" r="2.5" fill="{one.colour}">'
        f"<title>{escape(names[index])}: {value:.1f}</title></circle>"
        for index, value in known
    ]
    return [f'<polyline points="{path}" fill="none" stroke="{one.colour}"/>', *points]


def _legend(series: Sequence[Series], left: float) -> list[str]:
    parts = []
    for one in series:
        parts.append(
            f'<circle cx="{left:.0f}" cy="10" r="5" fill="{one.colour}"/>'
            f'<text x="{left + 10:.0f}" y="14">{escape(one.name)}</text>'
        )
        left += 40 + 6.8 * len(one.name)
    return parts


def _grid_step(peak: float) -> float:
    """A round distance of grid lines, of which about five fit below ``peak``."""
    rough = peak / 5
    power = 10.0 ** (len(str(int(rough))) - 1) if rough >= 1 else 0.1
    return next((power * digit for digit in (1, 2, 5) if power * digit >= rough), power * 10)


def _svg(width: int, height: int, parts: Sequence[str], *, fixed: bool = False) -> str:
    size = f'width="{width}" height="{height}"' if fixed else f'style="max-width:{width}px"'
    return (
        f'<svg viewBox="0 0 {width} {height}" {size} font-family="sans-serif" font-size="11" '
        f'fill="{INK}" role="img">{"".join(parts)}</svg>'
    )
