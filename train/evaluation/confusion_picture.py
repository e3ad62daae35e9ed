"""The confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

__all__ = ["confusion_picture", "picture_font"]

_CELL = 84
_MARGIN = 20
_TITLE = 34
_INK = (30, 30, 30)
_PAPER = (255, 255, 255)
# The share of a class, from none to all, as a blue that darkens.
_FULL = np.array([8, 69, 148], np.float64)


def confusion_picture(counts: NDArray[np.int64], classes: Sequence[str], title: str) -> Image.Image:
    """Draw counts and the share of each true class.

    Args:
        counts: int64 ``[C, C]``, true class by predicted class.
        classes: names by index.
        title: one line above.

    Returns:
        An RGB image, as large as the names and cells need.
    """
    font, small = picture_font(16), picture_font(13)
    names = [name if len(name) <= 24 else name[:23] + "…" for name in classes]
    label_width = max(int(font.getlength(name)) for name in names) + 12
    side = _CELL * len(names)
    left, top = _MARGIN + 24 + label_width, _MARGIN + _TITLE + 24 + label_width
    width = max(left + side + _MARGIN, _MARGIN * 2 + int(font.getlength(title)))
    image = Image.new("RGB", (width, top + side + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((_MARGIN, _MARGIN), title, fill=_INK, font=font)
    draw.text((left + side / 2, _MARGIN + _TITLE + 10), "predicted", _INK, small, anchor="mm")
    _paste_upright(image, "true", (_MARGIN, top + side // 2), small)
    for index, name in enumerate(names):
        middle = index * _CELL + _CELL // 2
        draw.text((left - 8, top + middle), name, _INK, font, anchor="rm")
        _paste_upright(image, name, (left + middle - 10, top - 8), font, bottom=True)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for row in range(len(names)):
        for column in range(len(names)):
            corner = (left + column * _CELL, top + row * _CELL)
            _cell(draw, corner, int(counts[row, column]), float(shares[row, column]), font, small)
    return image


def _cell(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    count: int,
    share: float,
    font: ImageFont.FreeTypeFont,
    small: ImageFont.FreeTypeFont,
) -> None:
    x, y = corner
    colour = tuple(int(v) for v in np.rint(255 + share * (_FULL - 255)))
    draw.rectangle((x, y, x + _CELL - 2, y + _CELL - 2), fill=colour, outline=(200, 200, 200))
    ink = _PAPER if share > 0.5 else _INK
    centre_x, centre_y = x + _CELL / 2, y + _CELL / 2
    draw.text((centre_x, centre_y - 9), str(count), ink, font, anchor="mm")
    draw.text((centre_x, centre_y + 13), f"{share:.0%}", ink, small, anchor="mm")


def _paste_upright(
    image: Image.Image,
    text: str,
    corner: tuple[int, int],
    font: ImageFont.FreeTypeFont,
    *,
    bottom: bool = False,
) -> None:
    """Text that reads upwards; ``corner`` is its left edge and its middle, or its bottom."""
    width = int(font.getlength(text)) + 4
    strip = Image.new("RGB", (width, 22), _PAPER)
    ImageDraw.Draw(strip).text((2, 1), text, fill=_INK, font=font)
    turned = strip.rotate(90, expand=True)
    x, y = corner
    image.paste(turned, (x, y - width if bottom else y - width // 2))


@lru_cache(maxsize=4)
def picture_font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font, in pixels."""
    font = ImageFont.load_default(size=size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType")
    return font
