"""Insertion and deletion curves as a picture."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from train.evaluation.confusion_picture import picture_font
from train.evaluation.insertion_deletion import Curve, InsertionDeletionRow

__all__ = ["insertion_deletion_picture"]

_SIDE = 320
_MARGIN = 56
_LINE = 22
_INK, _PAPER, _GRID = (30, 30, 30), (255, 255, 255), (225, 225, 225)
# Colours that stay apart for most colour-blind readers (Okabe and Ito 2008); blind rows are grey.
_COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167))
_BLIND = ((110, 110, 110), (170, 170, 170))


def insertion_deletion_picture(rows: Sequence[InsertionDeletionRow], title: str) -> Image.Image:
    """Draw the mean probability over the share of pixels, insertion left and deletion right.

    Args:
        rows: at least one.
        title: one line above.
    """
    width = 2 * _SIDE + 3 * _MARGIN
    legend_top = _MARGIN + _SIDE + 48
    image = Image.new("RGB", (width, legend_top + _LINE * len(rows) + 16), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((_MARGIN, 12), title, fill=_INK, font=picture_font(16))
    colours = _colours(rows)
    right = _MARGIN * 2 + _SIDE
    _axes(draw, _MARGIN, "insertion: pixels put back")
    _axes(draw, right, "deletion: pixels taken away")
    # The measured maps last, on top of the blind rows.
    for row, colour in reversed(list(zip(rows, colours, strict=True))):
        _line(draw, _MARGIN, row.insertion_curve, colour)
        _line(draw, right, row.deletion_curve, colour)
    small = picture_font(13)
    for number, (row, colour) in enumerate(zip(rows, colours, strict=True)):
        y = legend_top + number * _LINE
        draw.line((_MARGIN, y + 8, _MARGIN + 26, y + 8), fill=colour, width=3)
        areas = f"insertion {row.insertion.value:.3f}, deletion {row.deletion.value:.3f}"
        draw.text((_MARGIN + 34, y), f"{row.map}: {areas}", fill=_INK, font=small)
    return image


def _colours(rows: Sequence[InsertionDeletionRow]) -> list[tuple[int, int, int]]:
    palettes = {True: iter(_BLIND * len(rows)), False: iter(_COLOURS * len(rows))}
    return [next(palettes[row.map.startswith("blind")]) for row in rows]


def _axes(draw: ImageDraw.ImageDraw, left: int, name: str) -> None:
    small, top, bottom = picture_font(13), _MARGIN, _MARGIN + _SIDE
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = left + tick * _SIDE, bottom - tick * _SIDE
        draw.line((left, y, left + _SIDE, y), fill=_GRID)
        draw.line((x, top, x, bottom), fill=_GRID)
        draw.text((x, bottom + 10), f"{tick:g}", _INK, small, anchor="mm")
        draw.text((left - 8, y), f"{tick:g}", _INK, small, anchor="rm")
    draw.rectangle((left, top, left + _SIDE, bottom), outline=_INK)
    draw.text((left, top - 10), "probability of the class", _INK, small, anchor="ls")
    draw.text((left + _SIDE / 2, bottom + 30), name, _INK, small, anchor="mm")


def _line(draw: ImageDraw.ImageDraw, left: int, curve: Curve, colour: tuple[int, int, int]) -> None:
    step, bottom = _SIDE / (len(curve) - 1), _MARGIN + _SIDE
    points = [(left + i * step, bottom - float(value) * _SIDE) for i, value in enumerate(curve)]
    draw.line(points, fill=colour, width=3, joint="curve")
