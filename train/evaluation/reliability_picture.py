"""The reliability diagram: accuracy over the probability of the predicted class."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from edge_runtime.metrics import Reliability
from train.evaluation.confusion_picture import picture_font

__all__ = ["reliability_picture"]

_SIDE = 360
_MARGIN = 56
_HISTOGRAM = 70
_INK, _PAPER, _GRID = (30, 30, 30), (255, 255, 255), (200, 200, 200)
_BAR, _GAP = (8, 69, 148), (214, 96, 77)


def reliability_picture(found: Reliability, title: str) -> Image.Image:
    """Draw the accuracy of each bin, its distance from the confidence, and how many images it has.

    Args:
        found: bins.
        title: one line above.

    Returns:
        An RGB image of 472 x 572 pixels.
    """
    width, height = _SIDE + 2 * _MARGIN, _SIDE + _HISTOGRAM + int(2.5 * _MARGIN)
    image = Image.new("RGB", (width, height + 2), _PAPER)
    draw = ImageDraw.Draw(image)
    small = picture_font(13)
    left, top = _MARGIN, _MARGIN
    bottom = top + _SIDE
    draw.text((left, 14), title, fill=_INK, font=picture_font(16))
    draw.text(
        (left, 36),
        f"accuracy (red: gap to probability), ECE {found.expected_calibration_error:.3f}",
        fill=_INK,
        font=small,
    )
    bar = _SIDE / len(found.count)
    floor = bottom + 40 + _HISTOGRAM
    largest = max(int(found.count.max()), 1)
    for index in np.flatnonzero(found.count):
        start, end = left + index * bar + 1, left + (index + 1) * bar - 1
        accuracy = bottom - float(found.accuracy[index]) * _SIDE
        confidence = bottom - float(found.confidence[index]) * _SIDE
        draw.rectangle((start, min(accuracy, bottom - 1), end, bottom), fill=_BAR)
        draw.rectangle(
            (start, min(accuracy, confidence), end, max(accuracy, confidence)),
            outline=_GAP,
            width=2,
        )
        share = float(found.count[index]) / largest
        draw.rectangle((start, floor - share * _HISTOGRAM, end, floor), fill=_GRID)
    draw.line((left, bottom, left + _SIDE, top), fill=_INK)
    draw.rectangle((left, top, left + _SIDE, bottom), outline=_INK)
    draw.line((left, floor, left + _SIDE, floor), fill=_INK)
    for tick in (0.0, 0.5, 1.0):
        draw.text((left + tick * _SIDE, floor + 10), f"{tick:g}", _INK, small, anchor="mm")
        draw.text((left - 8, bottom - tick * _SIDE), f"{tick:g}", _INK, small, anchor="rm")
    draw.text((left + 4, bottom + 20), f"images, largest bin {largest}", fill=_INK, font=small)
    draw.text(
        (left + _SIDE / 2, floor + 28), "probability of the top class", _INK, small, anchor="mm"
    )
    return image
