"""The field of view of an endoscope, found once over many training images.

The signal of an endoscope processor has black borders, text and small displays around the picture.
Where the picture lies is a property of the processor, so it is estimated over many frames and then
kept as a fixed region: a single dark frame must not move it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_runtime.preprocessing import Preprocessing
from edge_runtime.region_of_interest import RegionOfInterest, Shape
from train.data.covering import BLACK

__all__ = ["FoundRegion", "find_region"]

_GRID = 256
# A pixel belongs to the picture if this share of the frames is lit there.
_LIT_SHARE = 0.2
# Removes what is thinner than 7 of 256 cells: lines of text, and their bridges to the picture.
_OPENING = np.ones((7, 7), np.uint8)
_WHOLE = 0.99
_MUCH_OUTSIDE = 0.1


@dataclass(frozen=True)
class FoundRegion:
    """Where the picture lies.

    Attributes:
        region: the smallest rectangle around it, or None where the pictures fill their frames.
        frames: how many frames it was estimated from.
        deviating: how many of them have more than a tenth of their lit pixels outside.
    """

    region: RegionOfInterest | None
    frames: int
    deviating: int


def find_region(frames: Iterable[NDArray[np.uint8]], shape: Shape = "rectangle") -> FoundRegion:
    """Find the rectangle that the picture takes in the frames.

    Each frame is averaged over 256 x 256 cells. Cells that are lit in at least a fifth of the
    frames are opened (which removes text), and the largest connected part is the picture. Where
    frames come from several processors, this is the union of all that make a fifth.

    Args:
        frames: uint8 ``[h, w, 3]``, RGB, of any sizes.
        shape: what of the rectangle is to be kept, see :class:`RegionOfInterest`.
    """
    cells = Preprocessing(_GRID, _GRID, "stretch")
    lit = [_lit(cells.apply(frame)) for frame in frames]
    share = np.mean(lit, axis=0) if lit else np.zeros((_GRID, _GRID))
    picture = _largest_part(_opened(share >= _LIT_SHARE))
    rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
    if len(rows) == 0:
        return FoundRegion(None, len(lit), 0)
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    inside = np.zeros_like(picture)
    inside[top:bottom, left:right] = True
    deviating = sum(_is_mostly_outside(_opened(frame), inside) for frame in lit)
    if shape == "rectangle" and min(bottom - top, right - left) >= _WHOLE * _GRID:
        return FoundRegion(None, len(lit), deviating)
    x0, y0, x1, y1 = (float(side) / _GRID for side in (left, top, right, bottom))
    return FoundRegion(RegionOfInterest(x0, y0, x1, y1, shape), len(lit), deviating)


def _lit(cells: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray(cells.max(axis=2) >= BLACK)


def _opened(lit: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return cv2.morphologyEx(lit.astype(np.uint8), cv2.MORPH_OPEN, _OPENING) > 0


def _largest_part(lit: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest 8-connected part; nothing of nothing."""
    count, part, statistics, _ = cv2.connectedComponentsWithStats(lit.astype(np.uint8))
    if count < 2:
        return np.zeros_like(lit)
    return np.asarray(part == 1 + np.argmax(statistics[1:, cv2.CC_STAT_AREA]))


def _is_mostly_outside(lit: NDArray[np.bool_], inside: NDArray[np.bool_]) -> bool:
    return bool((lit & ~inside).sum() > _MUCH_OUTSIDE * max(1, lit.sum()))
