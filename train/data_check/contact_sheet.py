"""Pictures of the findings: examples of each class, near-duplicates, overlays drawn in.

They show images of patients, so they are only written where a user asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edge_runtime.errors import DataError
from edge_runtime.preprocessing import Preprocessing
from train.data.cache import read_frame
from train.data.sample import Sample
from train.data_check.inspection import Inspection

__all__ = ["class_sheet", "duplicate_sheet", "overlay_sheet"]

_TILE = 160
_CAPTION = 20
_GAP = 8
_EXAMPLES = 10
_PAIRS = 24
_PAIR_COLUMNS = 3
_OVERLAY_EXAMPLES = 4
_PAPER, _INK, _MUTED = (250, 250, 250), (30, 30, 30), (110, 110, 110)
_OUTLINE_RIM, _OUTLINE = (0, 0, 0), (0, 255, 90)
_VIEW = Preprocessing(_TILE, _TILE, "letterbox")
# Overlays are found on whole frames that are stretched to a square.
_STRETCHED = Preprocessing(_TILE, _TILE, "stretch")

Tile = tuple[NDArray[np.uint8], str]


def class_sheet(inspection: Inspection) -> Image.Image:
    """A row of examples for each class, spread over the listing."""
    rows = []
    for label, count in _counts(inspection).items():
        chosen = _spread(_of_class(inspection, label), _EXAMPLES)
        tiles = [(_tile(sample, _VIEW), _short(sample.key)) for sample in chosen]
        rows.append((f"{label}: {count} images", tiles))
    return _sheet(rows, _EXAMPLES)


def duplicate_sheet(inspection: Inspection) -> Image.Image | None:
    """Pairs of near-duplicates, those across parts and classes first; None if there are none."""
    by_key = {sample.key: sample for sample in inspection.samples}
    tiles: list[Tile] = []
    for pair in inspection.report.duplicates.listed[:_PAIRS]:
        pictures = np.hstack([_tile(by_key[file], _VIEW) for file in pair.files])
        one, other = (
            f"{label}, {part}" for label, part in zip(pair.labels, pair.parts, strict=True)
        )
        tiles.append((pictures, one if one == other else f"{one} | {other}"))
    if not tiles:
        return None
    starts = range(0, len(tiles), _PAIR_COLUMNS)
    rows = [("", tiles[start : start + _PAIR_COLUMNS]) for start in starts]
    found = inspection.report.duplicates.pairs
    title = f"{len(tiles)} of {found} pairs, side by side; those across parts and classes first"
    return _sheet([(title, rows[0][1]), *rows[1:]], _PAIR_COLUMNS, tile_width=2 * _TILE)


def overlay_sheet(inspection: Inspection) -> Image.Image | None:
    """For each class its mean image and examples, then others' examples; the overlay is outlined.

    Frames are stretched to squares here, as the search sees them. None if there are no overlays.
    """
    rows = []
    for index, label in enumerate(inspection.classes):
        region = inspection.overlays[index]
        if not region.any():
            continue
        positions = _of_class(inspection, label)
        others = [c for c in inspection.classes if c != label]
        tiles = [(_outlined(_mean(inspection, positions), region), f"mean of {label}"[:26])]
        for sample in _spread(positions, _OVERLAY_EXAMPLES):
            tiles.append((_outlined(_tile(sample, _STRETCHED), region), label[:26]))
        for sample in _spread(
            [s for c in others for s in _of_class(inspection, c)], _OVERLAY_EXAMPLES
        ):
            tiles.append((_outlined(_tile(sample, _STRETCHED), region), sample.label[:26]))
        rows.append((f"outlined: nearly constant in {label}, not so in another class", tiles))
    return _sheet(rows, 1 + 2 * _OVERLAY_EXAMPLES) if rows else None


def _counts(inspection: Inspection) -> dict[str, int]:
    return {label: len(_of_class(inspection, label)) for label in inspection.classes}


def _of_class(inspection: Inspection, label: str) -> list[Sample]:
    return [sample for sample in inspection.samples if sample.label == label]


def _spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """``count`` samples at even distances."""
    chosen = np.unique(np.linspace(0, len(samples) - 1, min(count, len(samples))).astype(int))
    return [samples[position] for position in chosen]


def _tile(sample: Sample, view: Preprocessing) -> NDArray[np.uint8]:
    try:
        return view.apply(read_frame(sample))
    except DataError:  # it could be read a moment ago; the sheet needs no picture of it
        return np.zeros((_TILE, _TILE, 3), np.uint8)


def _mean(inspection: Inspection, samples: Sequence[Sample]) -> NDArray[np.uint8]:
    keys = {sample.key for sample in samples}
    chosen = [index for index, sample in enumerate(inspection.samples) if sample.key in keys]
    mean = inspection.thumbnails[chosen].mean(axis=0).astype(np.uint8)
    return np.asarray(cv2.resize(mean, (_TILE, _TILE), interpolation=cv2.INTER_LINEAR), np.uint8)


def _outlined(tile: NDArray[np.uint8], region: NDArray[np.bool_]) -> NDArray[np.uint8]:
    enlarged = cv2.resize(region.astype(np.uint8), (_TILE, _TILE), interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(enlarged, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = tile.copy()
    cv2.drawContours(drawn, contours, -1, _OUTLINE_RIM, 3)
    cv2.drawContours(drawn, contours, -1, _OUTLINE, 1)
    return drawn


def _short(key: str) -> str:
    name = Path(key).name
    return name if len(name) <= 24 else f"{name[:11]}…{name[-12:]}"


def _sheet(
    rows: Sequence[tuple[str, Sequence[Tile]]], columns: int, tile_width: int = _TILE
) -> Image.Image:
    """Rows of captioned tiles, each below its title if it has one."""
    font, small = ImageFont.load_default(14), ImageFont.load_default(11)
    heights = [(_CAPTION + 4 if title else 0) + _TILE + _CAPTION for title, _ in rows]
    width = columns * (tile_width + _GAP) + _GAP
    sheet = Image.new("RGB", (width, sum(heights) + _GAP * (len(rows) + 1)), _PAPER)
    draw, top = ImageDraw.Draw(sheet), _GAP
    for (title, tiles), height in zip(rows, heights, strict=True):
        if title:
            draw.text((_GAP, top), title, _INK, font)
        below = top + height - _TILE - _CAPTION
        for column, (tile, caption) in enumerate(tiles):
            left = _GAP + column * (tile_width + _GAP)
            sheet.paste(Image.fromarray(tile), (left, below))
            draw.text((left, below + _TILE + 3), caption, _MUTED, small)
        top += height + _GAP
    return sheet
