"""A report's figures as pictures that need no library (SVG): latencies, rounds and memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from benchmarks.absent import Absent
from benchmarks.report import Result
from benchmarks.summary import round_medians
from edge_runtime.reporting.axes import log_ticks
from edge_runtime.reporting.charts import FAINT, INK, picture

__all__ = ["latency_svg", "memory_svg", "rounds_svg"]

_WIDTH, _LEFT, _RIGHT = 1120, 180, 310
_COLOURS = (
    "#0868ac", "#d95f0e", "#2a8a4a", "#7a5195", "#b5860b", "#c2407a", "#4f6d7a", "#8c564b",
)  # fmt: skip
# Of lines beyond as many as there are colours: on, off.
_DASHES = ("", "6 3", "2 3", "10 3 2 3")
_LONGEST = 30  # letters of the small line beside a picture
_BINS = 96
_ROW = 46
_MIB = 1 << 20
_NANOSECONDS_PER_MS = 1e6
# Of the samples; a few that are far out would press all others together, and are told as maximum.
_SHOWN_PERCENT = 99.5


def latency_svg(results: Sequence[Result]) -> str:
    """The distribution of each configuration's inference times, on a logarithmic scale."""
    samples = [_inference_ms(result) for result in results]
    low = min(float(found.min()) for found in samples)
    high = max(float(np.percentile(found, _SHOWN_PERCENT)) for found in samples)
    scale = _Scale(low, max(high, 1.02 * low))
    height = 30 + _ROW * len(results)
    parts = [_time_axis(scale, height)]
    for index, (result, found) in enumerate(zip(results, samples, strict=True)):
        base = 26 + _ROW * (index + 1) - 8
        parts.append(_label(result.configuration.name, _LEFT - 8, base - 2, "end"))
        parts.append(_ridge(found, scale, base, _COLOURS[index % len(_COLOURS)]))
        parts.append(_marks(result, scale, base))
    return picture(_WIDTH, height + 46, parts, "Inference, milliseconds, all processes together")


def rounds_svg(results: Sequence[Result]) -> str:
    """The median of each process in the order of measuring: drift, heat and odd processes."""
    medians = [round_medians(result.rounds) for result in results]
    flat = [value for found in medians for value in found]
    low, high = 0.97 * min(flat), 1.03 * max(flat)
    top, bottom = 30, 270

    def y(value: float) -> float:
        return bottom - math.log(value / low) / math.log(high / low) * (bottom - top)

    line = 30 if any("," in result.configuration.name for result in results) else 18
    most = max(len(found) for found in medians)
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, most - 1)
    parts = [
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" '
        f'stroke="{FAINT}"/><text x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">'
        f"{tick:g} ms</text>"
        for tick in log_ticks(low, high)
    ]
    for index, (result, found) in enumerate(zip(results, medians, strict=True)):
        colour = _COLOURS[index % len(_COLOURS)]
        line_style = _line_style(index)
        points = [(_LEFT + number * step, y(value)) for number, value in enumerate(found)]
        path = " ".join(f"{x:.1f},{height:.1f}" for x, height in points)
        parts.append(f'<polyline points="{path}" fill="none" {line_style}/>')
        parts += [
            f'<circle cx="{x:.1f}" cy="{height:.1f}" r="2.5" fill="{colour}"/>'
            for x, height in points
        ]
        row = top + 8 + line * index
        left = _WIDTH - _RIGHT + 8
        parts.append(
            f'<path d="M{left} {row - 4}H{left + 28}" {line_style}/>'
            f"{_label(result.configuration.name, left + 34, row)}"
        )
    parts.append(
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{bottom + 24}" text-anchor="middle">'
        f"processes of each configuration, in order (1 to {most})</text>"
    )
    height = max(bottom + 40, top + line * len(results) + 20)
    return picture(_WIDTH, height, parts, "Median inference of each process")


def memory_svg(results: Sequence[Result]) -> str:
    """Resident memory before and after loading, and the peak; empty where none could be read."""
    rows = []
    for result in results:
        summary = result.summary
        figures = (
            summary.memory_before_load_bytes,
            summary.memory_after_load_bytes,
            summary.memory_peak_bytes,
        )
        known = [figure / _MIB for figure in figures if not isinstance(figure, Absent)]
        if len(known) == len(figures):
            rows.append((result.configuration.name, known))
    if not rows:
        return ""
    largest = max(figures[-1] for _, figures in rows)
    scale = (_WIDTH - _LEFT - _RIGHT) / largest
    parts = []
    for index, (name, (before, after, peak)) in enumerate(rows):
        base = 46 + 30 * index
        parts.append(_label(name, _LEFT - 8, base + 10, "end"))
        for value, colour in ((peak, "#cfe3f2"), (after, "#0868ac"), (before, "#8a8a8a")):
            parts.append(
                f'<rect x="{_LEFT}" y="{base}" width="{value * scale:.1f}" height="18" '
                f'fill="{colour}"/>'
            )
        parts.append(
            f'<text x="{_LEFT + peak * scale + 8:.1f}" y="{base + 13}">{before:.0f}, {after:.0f}, '
            f"{peak:.0f} MiB</text>"
        )
    title = (
        "Resident memory: Python and the runtime (grey), with engine and graph (blue), at its peak "
        "with the test frames (light)"
    )
    return picture(_WIDTH, 60 + 30 * len(rows), parts, title)


class _Scale:
    """From milliseconds to pixels, logarithmic."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def __call__(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return _LEFT + min(1.0, max(0.0, share)) * (_WIDTH - _LEFT - _RIGHT)


def _line_style(index: int) -> str:
    """Colour and, where the colours begin anew, dash of a line: no two of 32 look alike."""
    dash = _DASHES[index // len(_COLOURS) % len(_DASHES)]
    style = f'stroke="{_COLOURS[index % len(_COLOURS)]}" stroke-width="1.5"'
    return f'{style} stroke-dasharray="{dash}"' if dash else style


def _inference_ms(result: Result) -> npt.NDArray[np.float64]:
    found = np.concatenate([item.stage_ns("inference") for item in result.rounds])
    return np.asarray(np.maximum(found, 1) / _NANOSECONDS_PER_MS, np.float64)


def _time_axis(scale: _Scale, height: int) -> str:
    return "".join(
        f'<line x1="{scale(tick):.1f}" x2="{scale(tick):.1f}" y1="26" y2="{height}" '
        f'stroke="{FAINT}"/><text x="{scale(tick):.1f}" y="{height + 18}" text-anchor="middle">'
        f"{tick:g}</text>"
        for tick in log_ticks(scale.low, scale.high)
    )


def _ridge(samples: npt.NDArray[np.float64], scale: _Scale, base: int, colour: str) -> str:
    """A histogram over the logarithm; its highest bin is as high as the row."""
    edges = np.geomspace(scale.low, scale.high, _BINS + 1)
    counts, _ = np.histogram(samples, edges)
    heights = counts / max(1, counts.max()) * (_ROW - 14)
    points = [f"{scale(edges[0]):.1f},{base}"]
    for index, height in enumerate(heights):
        for edge in edges[index : index + 2]:
            points.append(f"{scale(float(edge)):.1f},{base - height:.1f}")
    points.append(f"{scale(edges[-1]):.1f},{base}")
    return (
        f'<polygon points="{" ".join(points)}" fill="{colour}" fill-opacity="0.75"/>'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{base}" y2="{base}" stroke="{INK}" '
        'stroke-width="0.5"/>'
    )


def _marks(result: Result, scale: _Scale, base: int) -> str:
    figures = result.summary.stages_ms["inference"]
    known = {name: value for name, value in figures.items() if not isinstance(value, Absent)}
    lines = "".join(
        f'<line x1="{scale(value):.1f}" x2="{scale(value):.1f}" y1="{base - _ROW + 14}" '
        f'y2="{base + 4}" stroke="{INK}"/>'
        for name, value in known.items()
        if name != "max"
    )
    told = ", ".join(f"{name} {value:.2f}" for name, value in known.items())
    return f'{lines}<text x="{_WIDTH - _RIGHT + 8}" y="{base - 6}" font-size="11">{told}</text>'


def _label(name: str, x: int, y: int, anchor: str = "start") -> str:
    """Name a configuration; its threads and its bundle stand below, smaller."""
    what, _, where = name.partition(", ")
    if len(where) > _LONGEST:
        where = f"{where[: _LONGEST - 1]}…"
    below = f'<tspan x="{x}" dy="11" font-size="10">{escape(where)}</tspan>' if where else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(what)}{below}</text>'
