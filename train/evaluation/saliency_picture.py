"""Some images with their maps laid over them. They may be of patients: only if a person asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from edge_runtime.map_grid import MapGrid
from edge_runtime.preprocessing import FrameMapping
from edge_runtime.saliency import overlay
from train.evaluation.confusion_picture import picture_font
from train.evaluation.maps import Maps

__all__ = ["Example", "saliency_picture"]

_TILE = 224
_GAP = 6
_CAPTION = 22
_LESION_RGB = (0, 255, 160)
_INK, _PAPER = (30, 30, 30), (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Example:
    """One image with its maps.

    Attributes:
        image: uint8 ``[H, W, 3]``, network bytes.
        label: its own class, which the maps explain.
        lesion: bool ``[H, W]``, or None.
        maps: name to raw map ``[h, w]``.
        grids: name to where the cells of a coarse map lie; evenly where there is none.
        predicted: the most probable class.
        probability: its probability.
    """

    image: NDArray[np.uint8]
    label: str
    lesion: NDArray[np.bool_] | None
    maps: dict[str, Maps]
    grids: Mapping[str, MapGrid] = field(default_factory=dict)
    predicted: str = ""
    probability: float = 0.0

    @property
    def caption(self) -> str:
        """What it is, and what it was taken for."""
        if not self.predicted:
            return self.label
        verb = "and called so" if self.predicted == self.label else f"called {self.predicted}"
        return f"is {self.label}, {verb} ({self.probability:.0%})"


def saliency_picture(examples: Sequence[Example]) -> Image.Image:
    """One row per image: the image, its lesion outlined, then each map over it; what it is below.

    Args:
        examples: at least one, all with the same kinds of map.
    """
    names = list(examples[0].maps)
    columns, step = 1 + len(names), _TILE + _GAP
    size = (columns * step + _GAP, len(examples) * (step + _CAPTION) + _CAPTION + _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    draw, small = ImageDraw.Draw(sheet), picture_font(13)
    outlined = any(example.lesion is not None for example in examples)
    first = "image, lesion outlined" if outlined else "image"
    for column, name in enumerate([first, *(f"{name} of its class" for name in names)]):
        draw.text((_GAP + column * step, 4), name, fill=_INK, font=small)
    for row, example in enumerate(examples):
        top = _CAPTION + row * (step + _CAPTION)
        shown = _enlarged(example.image)
        pictures = [_outlined(shown, example.lesion)]
        for name in names:
            raw = example.maps[name]
            height, width = example.image.shape[:2]
            whole = FrameMapping(_TILE / width, _TILE / height, 0.0, 0.0)
            mapping = whole.for_map(raw.shape, (height, width), example.grids.get(name))
            pictures.append(overlay(shown, raw, mapping))
        for column, picture in enumerate(pictures):
            sheet.paste(Image.fromarray(picture), (_GAP + column * step, top))
        draw.text((_GAP, top + _TILE + 3), example.caption, fill=_INK, font=small)
    return sheet


def _enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    resized = cv2.resize(image, (_TILE, _TILE), interpolation=cv2.INTER_CUBIC)
    return np.asarray(resized, np.uint8)


def _outlined(image: NDArray[np.uint8], lesion: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    drawn = image.copy()
    if lesion is not None:
        filled = cv2.resize(lesion.astype(np.uint8), (_TILE, _TILE))
        contours, _ = cv2.findContours(filled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(drawn, contours, -1, _LESION_RGB, 2, cv2.LINE_AA)
    return drawn
