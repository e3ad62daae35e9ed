"""The metric over each thing that was varied, as a picture that needs no library (SVG).

A filled point is a finished trial with its 95 % interval, a hollow one a trial that was stopped,
where it stood then; the best one is ringed. Ranges are an axis of numbers, lists are places side by
side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from edge_runtime.reporting.axes import linear_ticks
from edge_runtime.reporting.charts import ACCENT, FAINT, INK, picture
from train.sweep.analysis import Analysis, Ranked
from train.sweep.space import Axis, Choices, Span, Value

__all__ = ["metric_svg"]

_PANEL, _HEIGHT, _GAP, _LEFT, _TOP = 300, 220, 60, 74, 34
_ROW = _HEIGHT + 92
_COLUMNS = 3
_DONE, _STOPPED, _BEST = ACCENT, "#999999", "#d95f0e"
_RADIUS = 4
# Points of one value of a list lie beside each other, within this share of its place.
_SPREAD = 0.5


@dataclass(frozen=True)
class _Panel:
    axis: Axis
    left: int
    top: int
    low: float
    high: float

    def y(self, value: float) -> float:
        return self.top + _HEIGHT * (self.high - value) / (self.high - self.low)

    def x(self, value: Value, aside: float) -> float:
        """Where a value lies; ``aside``, from 0 to 1, moves points of a list apart."""
        domain = self.axis.domain
        if isinstance(domain, Choices):
            width = _PANEL / len(domain.values)
            place = domain.values.index(value) + 0.5 + _SPREAD * (aside - 0.5)
            return self.left + place * width
        return self.left + _PANEL * (0.04 + 0.92 * _share(domain, float(value)))


def metric_svg(analysis: Analysis) -> str:
    """A panel for each axis of the plan; empty where no trial has a figure yet."""
    metric = analysis.plan.metric
    shown = [r for r in (*analysis.others, *reversed(analysis.ranked)) if r.record.history]
    if not shown:
        return ""
    low, high = _span(analysis, shown)
    axes = analysis.plan.axes
    panels = [
        _Panel(
            axis,
            _LEFT + number % _COLUMNS * (_PANEL + _GAP),
            _TOP + number // _COLUMNS * _ROW,
            low,
            high,
        )
        for number, axis in enumerate(axes)
    ]
    width = _LEFT + min(len(axes), _COLUMNS) * (_PANEL + _GAP)
    height = _TOP + math.ceil(len(axes) / _COLUMNS) * _ROW
    parts = [_frame(panel, metric.show) for panel in panels]
    parts += [_point(analysis, panel, ranked) for panel in panels for ranked in shown]
    legend = (
        f'<text x="{_LEFT - 60}" y="18">{escape(metric.title)} on the validation '
        "part, 95 % intervals; ringed: the best; hollow: stopped early, where it stood then</text>"
    )
    return picture(width, height, [legend, *parts], fixed=True)


def _share(span: Span, value: float) -> float:
    if span.is_log:
        return math.log(value / span.low) / math.log(span.high / span.low)
    return (value - span.low) / (span.high - span.low)


def _span(analysis: Analysis, shown: Sequence[Ranked]) -> tuple[float, float]:
    """From the least to the largest figure, with some air, so that all panels are comparable."""
    name = analysis.plan.metric.name
    values = [end for r in analysis.ranked for end in (r.figures[name].low, r.figures[name].high)]
    values += [v for r in shown if (v := r.last(analysis.plan.metric)) is not None]
    values = [value for value in values if math.isfinite(value)]
    low, high = min(values), max(values)
    air = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - air, high + air


def _frame(panel: _Panel, show: Callable[[float], str]) -> str:
    right, bottom = panel.left + _PANEL, panel.top + _HEIGHT
    parts = [
        f'<line x1="{panel.left}" x2="{right}" y1="{panel.y(tick):.1f}" y2="{panel.y(tick):.1f}" '
        f'stroke="{FAINT}"/><text x="{panel.left - 6}" y="{panel.y(tick) + 4:.1f}" '
        f'text-anchor="end">{escape(show(tick))}</text>'
        for tick in linear_ticks(panel.low, panel.high, 6)
    ]
    for value, label in _labels(panel.axis):
        parts.append(
            f'<text x="{panel.x(value, 0.5):.1f}" y="{bottom + 18}" text-anchor="middle">'
            f"{escape(label)}</text>"
        )
    parts.append(
        f'<line x1="{panel.left}" x2="{right}" y1="{bottom}" y2="{bottom}" stroke="{INK}"/>'
        f'<text x="{(panel.left + right) / 2}" y="{bottom + 40}" text-anchor="middle" '
        f'font-weight="bold">{escape(panel.axis.name)}</text>'
    )
    return "".join(parts)


def _labels(axis: Axis) -> list[tuple[Value, str]]:
    domain = axis.domain
    if isinstance(domain, Choices):
        longest = int(1.6 * _PANEL / 12 / len(domain.values)) + 2
        words = [str(value) for value in domain.values]
        shown = [word if len(word) <= longest else f"{word[: longest - 1]}…" for word in words]
        return list(zip(domain.values, shown, strict=True))
    if not domain.is_log:
        return [(tick, f"{tick:g}") for tick in linear_ticks(domain.low, domain.high, 5)]
    powers = range(math.floor(math.log10(domain.low)), math.ceil(math.log10(domain.high)) + 1)
    digits = (1, 2, 5) if len(powers) <= 3 else (1,)
    marks = [digit * 10.0**power for power in powers for digit in digits]
    return [(mark, f"{mark:g}") for mark in marks if domain.low <= mark <= domain.high]


def _point(analysis: Analysis, panel: _Panel, ranked: Ranked) -> str:
    metric, trial = analysis.plan.metric, ranked.trial
    found = ranked.figures.get(metric.name)
    value = found.value if found else ranked.last(metric)
    if value is None or not math.isfinite(value):
        return ""
    aside = (trial.number - 0.5) / max(len(analysis.plan.trials), 1)
    x, y = panel.x(trial.point[panel.axis.name], aside), panel.y(value)
    colour = _BEST if ranked is analysis.best else _DONE if found else _STOPPED
    title = f"trial {trial.number} ({trial.description}): {metric.show(found or value)}"
    bar = ring = ""
    if found:
        bar = (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{panel.y(found.low):.1f}" '
            f'y2="{panel.y(found.high):.1f}" stroke="{colour}"/>'
        )
    else:
        title += f", {ranked.record.status}"
    if ranked is analysis.best:
        ring = (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS + 4}" fill="none" stroke="{colour}"/>'
        )
    fill = colour if found else "white"
    return (
        f"<g><title>{escape(title)}</title>{bar}{ring}"
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="{fill}" stroke="{colour}"/></g>'
    )
