"""Agreement of maps by width as a table and as a picture with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from edge_runtime.bundle.trust import SaliencyTrust
from edge_runtime.files import atomic_write_text
from edge_runtime.interval import Interval
from edge_runtime.record import Record
from edge_runtime.reporting.charts import FAINT, picture

__all__ = ["Agreement", "WidthRow", "agreement_svg", "markdown", "write_report"]

_TARGETS = {"spearman": 0.95, "top_overlap": 0.85}
_COLORS = {"trained": "#0868ac", "quantisation off": "#d95f0e", "float network": "#7a5195"}
_PANELS: tuple[tuple[str, Callable[[Agreement], Interval]], ...] = (
    ("median Spearman", lambda found: found.spearman),
    ("median top-10 % overlap", lambda found: found.top_overlap),
)
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _PANEL, _GAP = 760, 330, 44, 50, 290, 310, 70
# Points of one width lie at one place; each network is moved aside by so many units.
_ASIDE = 10


@dataclass(frozen=True)
class Agreement(Record):
    """The device's maps against those of one network in torch.

    Attributes:
        engine: what ran the INT8 graph.
        other: ``trained``, ``quantisation off`` or ``float network``.
        spearman: median over images of the rank correlation, with its interval.
        top_overlap: the same of the share of the highest tenth that both have.
    """

    engine: str
    other: str
    spearman: Interval
    top_overlap: Interval


@dataclass(frozen=True)
class WidthRow(Record):
    """One width.

    Attributes:
        bits: of weights and activations.
        saliency: which map.
        images: all of the test part.
        accuracy: of the INT8 network on them; None where the export refused it.
        bundle_sha256: what was measured; empty where the export refused it.
        agreements: of each engine with each network.
        refused: the gates that the export refused it for, empty of a bundle. The figures are then
            those of its trust card, on calibration images, without intervals.
    """

    bits: int
    saliency: str
    images: int
    accuracy: float | None
    bundle_sha256: str
    agreements: tuple[Agreement, ...]
    refused: tuple[str, ...] = ()

    @classmethod
    def refused_by(cls, bits: int, saliency: str, gates: Mapping[str, Any]) -> WidthRow | None:
        """The row of a width whose export failed, from its ``gates.json``; None without such maps.

        Args:
            bits: of weights and activations.
            saliency: which map.
            gates: the record that a failed export leaves.
        """
        cards = [SaliencyTrust.from_json(card) for card in gates["trust"]]
        found = [card for card in cards if card.saliency == saliency]
        if not found:
            return None
        failed = tuple(gate["name"] for gate in gates["gates"] if not gate["passed"])
        agreements = tuple(
            Agreement(
                card.engine, other, _without_ends(one.spearman), _without_ends(one.top_overlap)
            )
            for card in found
            for other, one in (
                ("trained", card.with_trained),
                ("quantisation off", card.with_float),
            )
        )
        return cls(bits, saliency, found[0].images, None, "", agreements, failed)


def _without_ends(value: float) -> Interval:
    return Interval(value, math.nan, math.nan)


def write_report(rows: Sequence[WidthRow], out: Path) -> str:
    """Write ``report.md`` and ``agreement.svg``; returns the former.

    Raises:
        OutputError: the folder cannot be written.
    """
    text = markdown(rows)
    atomic_write_text(out / "agreement.svg", agreement_svg(rows))
    atomic_write_text(out / "report.md", text)
    return text


def markdown(rows: Sequence[WidthRow]) -> str:
    """The table, and whether the device keeps to the trained network as it should."""
    lines = [
        "| bits | accuracy | engine | map compared with | median Spearman (95 %) "
        "| median top-10 % overlap (95 %) |",
        "|---:|---:|---|---|---:|---:|",
    ]
    for row in rows:
        for found in row.agreements:
            accuracy = "not exported" if row.accuracy is None else f"{row.accuracy:.1%}"
            lines.append(
                f"| {row.bits} | {accuracy} | {found.engine} | {found.other} | "
                f"{found.spearman:.3f} | {found.top_overlap:.3f} |"
            )
    first = rows[0]
    head = (
        f"The {first.saliency} map of the INT8 graphs on all {first.images} test images, each of "
        "its own class, against torch: `trained` is the straight-through map of the same quantised "
        "network, `quantisation off` that of the same weights in float, `float network` that of "
        "the network before any quantised training. Intervals resample groups of images."
    )
    parts = ["# Agreement of maps", head, "![Agreement by width](agreement.svg)", "\n".join(lines)]
    return "\n\n".join([*parts, "\n".join([*_verdicts(rows), *_refusals(rows)])]) + "\n"


def _refusals(rows: Sequence[WidthRow]) -> list[str]:
    return [
        f"- {row.bits} bit was not exported, since it failed: {'; '.join(row.refused)}. "
        f"Its figures (hollow) are of {row.images} calibration images."
        for row in rows
        if row.refused
    ]


def _verdicts(rows: Sequence[WidthRow]) -> list[str]:
    """Of 8 bit, where there is such a row."""
    verdicts = []
    for row in rows:
        for found in row.agreements:
            if row.bits != 8 or found.other != "trained":
                continue
            told = []
            for name, least in _TARGETS.items():
                value = getattr(found, name).value
                word = "reached" if value >= least else "missed"
                told.append(f"{name.replace('_', ' ')} {value:.3f}, {least:g} is {word}")
            verdicts.append(f"- {found.engine}, 8 bit, with the trained network: {'; '.join(told)}")
    return verdicts


def agreement_svg(rows: Sequence[WidthRow]) -> str:
    """Two panels over the widths; lines join the first engine's points, whiskers are intervals."""
    engine = rows[0].agreements[0].engine
    parts = [_legend(engine)]
    for number, (title, figure) in enumerate(_PANELS):
        left = _LEFT + number * (_PANEL + _GAP)
        parts.append(_frame(title, left, [row.bits for row in rows]))
        for place, name in enumerate(_COLORS):
            points = [
                (
                    _x(left, index, len(rows)) + (place - 1) * _ASIDE,
                    figure(found),
                    row.accuracy is None,
                )
                for index, row in enumerate(rows)
                for found in row.agreements
                if (found.engine, found.other) == (engine, name)
            ]
            parts.append(_series(points, _COLORS[name]))
    return picture(_WIDTH, _HEIGHT, parts)


def _x(left: float, index: int, count: int) -> float:
    return left + (index + 0.5) * _PANEL / count


def _y(value: float) -> float:
    """From 0, where nothing agrees (or less than that), to 1."""
    return _BOTTOM - max(0.0, value) * (_BOTTOM - _TOP)


def _frame(title: str, left: float, widths: Sequence[int]) -> str:
    parts = [f'<text x="{left}" y="{_TOP - 10}" font-weight="bold">{escape(title)}</text>']
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10)
        parts.append(f'<path d="M{left} {y:.1f}h{_PANEL}" stroke="{FAINT}"/>')
        parts.append(
            f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{tenth / 10:g}</text>'
        )
    for index, bits in enumerate(widths):
        x = _x(left, index, len(widths))
        parts.append(f'<text x="{x:.1f}" y="{_BOTTOM + 18}" text-anchor="middle">{bits} bit</text>')
    return "".join(parts)


def _series(points: Sequence[tuple[float, Interval, bool]], color: str) -> str:
    """Points with whiskers, if their intervals are known; those of a refused export are hollow."""
    known = [point for point in points if not math.isnan(point[1].value)]
    path = " ".join(f"{x:.1f},{_y(found.value):.1f}" for x, found, _ in known)
    parts = [f'<polyline points="{path}" fill="none" stroke="{color}" stroke-opacity="0.5"/>']
    for x, found, hollow in known:
        if not math.isnan(found.low):
            ends = f"{_y(found.low):.1f}V{_y(found.high):.1f}"
            parts.append(f'<path d="M{x:.1f} {ends}" stroke="{color}"/>')
        fill = "#ffffff" if hollow else color
        parts.append(
            f'<circle cx="{x:.1f}" cy="{_y(found.value):.1f}" r="4" fill="{fill}" stroke="{color}">'
            f"<title>{found:.3f}</title></circle>"
        )
    return "".join(parts)


def _legend(engine: str) -> str:
    parts, x = [f'<text x="{_LEFT}" y="18">INT8, {escape(engine)}, with torch:</text>'], 220
    for name, color in _COLORS.items():
        parts.append(
            f'<circle cx="{x}" cy="14" r="4" fill="{color}"/><text x="{x + 9}" y="18">{name}</text>'
        )
        x += 150
    return "".join(parts)
