"""A long run as pictures over time: speed, age, heat, clock, power, work of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.absent import Absent
from benchmarks.sensors import Reading
from benchmarks.sustained.report import SustainedReport
from benchmarks.sustained.verdict import Moment
from edge_runtime.reporting.axes import linear_ticks
from edge_runtime.reporting.charts import FAINT, picture

__all__ = ["Track", "timeline_svg", "tracks"]

_WIDTH, _LEFT, _RIGHT = 1120, 120, 60
_HEIGHT, _GAP, _TOP = 120, 34, 30
_HOT = "#f3c6b5"
_TICKS, _TIME_TICKS = 5, 11

Value = float | Absent


@dataclass(frozen=True)
class Track:
    """One quantity over the run.

    Attributes:
        name: With its unit.
        values: One for each moment.
        colour: Of the line.
        highs: A second line above it, such as the 90th percentile; None without.
        floor: The axis starts here at the latest.
    """

    name: str
    values: Sequence[Value]
    colour: str
    highs: Sequence[Value] | None = None
    floor: float | None = None

    @property
    def missing(self) -> str | None:
        """Why there is nothing to draw, or None."""
        absent = [value for value in self.values if isinstance(value, Absent)]
        return absent[0].reason if len(absent) == len(self.values) else None


def tracks(moments: Sequence[Moment]) -> list[Track]:
    """Everything that is drawn, whether it could be read or not."""

    def of_board(read: Callable[[Reading], Value]) -> list[Value]:
        return [read(moment.reading) for moment in moments]

    windows = [moment.window for moment in moments]
    return [
        Track(
            "inference ms, median and p90",
            [window.stages_ms["infer"] for window in windows],
            "#0868ac",
            [window.infer_p90_ms for window in windows],
        ),
        Track("frames a second", [window.fps for window in windows], "#2a8a4a"),
        Track("age of a frame ms", [window.age_p50_ms for window in windows], "#7a5195"),
        Track("temperature °C", of_board(lambda reading: reading.temperature_celsius), "#c1440e"),
        Track("clock MHz", of_board(lambda reading: reading.frequency_mhz), "#4f6d7a"),
        Track("power W", of_board(lambda reading: reading.watts), "#b5860b"),
        Track(
            "processors of other work",
            [moment.usage.other_processors for moment in moments],
            "#8c564b",
            floor=0.0,
        ),
    ]


def timeline_svg(report: SustainedReport) -> str:
    """All tracks that could be read, above one axis of time; throttled moments are shaded."""
    drawn = [track for track in tracks(report.moments) if track.missing is None]
    seconds = [moment.window.seconds for moment in report.moments]
    step = _HEIGHT + _GAP
    height = _TOP + step * len(drawn) + 30

    def x(value: float) -> float:
        return _LEFT + value / seconds[-1] * (_WIDTH - _LEFT - _RIGHT)

    parts = [_throttled(report.moments, x, height)]
    for number, track in enumerate(drawn):
        parts.append(_track(track, seconds, x, _TOP + step * number))
    parts.append(_time_axis(seconds[-1], x, height - 30))
    return picture(_WIDTH, height, parts, "Over time")


def _throttled(moments: Sequence[Moment], x: Callable[[float], float], height: int) -> str:
    """Shade the windows at whose end the firmware throttled."""
    parts = []
    for moment in moments:
        flags, window = moment.reading.throttled, moment.window
        if isinstance(flags, Absent) or not flags:
            continue
        left, right = x(window.seconds - window.duration), x(window.seconds)
        parts.append(
            f'<rect x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}" '
            f'height="{height - _TOP - 44}" fill="{_HOT}" shape-rendering="crispEdges">'
            f"<title>{escape(', '.join(flags))}</title></rect>"
        )
    if parts:
        parts.append(
            f'<rect x="{_LEFT + 80}" y="6" width="12" height="12" fill="{_HOT}"/>'
            f'<text x="{_LEFT + 98}" y="16">throttled, says the firmware</text>'
        )
    return "".join(parts)


def _track(track: Track, seconds: Sequence[float], x: Callable[[float], float], top: int) -> str:
    lines = [track.values] if track.highs is None else [track.highs, track.values]
    known = [value for line in lines for value in line if not isinstance(value, Absent)]
    low, high = _ends(known, track.floor)
    bottom = top + _HEIGHT

    def y(value: float) -> float:
        return bottom - (value - low) / (high - low) * (_HEIGHT - 18)

    parts = [f'<text x="{_LEFT}" y="{top + 8}" fill="{track.colour}">{escape(track.name)}</text>']
    for value in linear_ticks(low, high, _TICKS):
        parts.append(
            f'<path d="M{_LEFT} {y(value):.1f}H{_WIDTH - _RIGHT}" stroke="{FAINT}"/>'
            f'<text x="{_LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    for number, line in enumerate(lines):
        opacity = 0.35 if number < len(lines) - 1 else 1
        parts.append(
            f'<polyline points="{_points(seconds, line, x, y)}" fill="none" '
            f'stroke="{track.colour}" stroke-width="1.6" stroke-opacity="{opacity}"/>'
        )
    return "".join(parts)


def _points(
    seconds: Sequence[float],
    values: Sequence[Value],
    x: Callable[[float], float],
    y: Callable[[float], float],
) -> str:
    return " ".join(
        f"{x(second):.1f},{y(value):.1f}"
        for second, value in zip(seconds, values, strict=True)
        if not isinstance(value, Absent)
    )


def _ends(known: Sequence[float], floor: float | None) -> tuple[float, float]:
    """Ends of an axis: a line that hardly moves is not blown up to a mountain."""
    low, high = min(known), max(known)
    room = max(0.05 * abs(high), 0.1, (high - low) * 0.05)
    bottom = low - room if floor is None else min(floor, low)
    return max(0.0, bottom) if low >= 0 else bottom, high + room


def _time_axis(end: float, x: Callable[[float], float], y: int) -> str:
    minutes = end >= 180
    unit = 60.0 if minutes else 1.0
    parts = [
        f'<text x="{x(tick * unit):.1f}" y="{y}" text-anchor="middle">{tick:g}</text>'
        for tick in linear_ticks(0, end / unit, _TIME_TICKS)
    ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    name = "minutes" if minutes else "seconds"
    parts.append(f'<text x="{middle}" y="{y + 18}" text-anchor="middle">{name}</text>')
    return "".join(parts)
