"""Cover what a network could learn in place of the finding: the black surround, and any one spot.

An endoscope's picture has black corners, and often a box with a display in one of them. Their shape
tells the device and the moment rather than the tissue, and saliency ends up in them. A view whose
surround has another content each time leaves nothing there to learn; a rectangle laid over a random
place, as black as the display's box in a third of the cases, makes such a box common to all classes
(Zhong et al., Random Erasing Data Augmentation, arXiv 1708.04896, section 3).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["BLACK", "erase_rectangle", "fill_surround", "surround"]

BLACK = 24
"""A channel value up to which a pixel may be surround; compressed black is not zero."""
_SMALLEST, _LARGEST = 0.1, 0.4
_SQUARE = np.ones((3, 3), np.uint8)


def surround(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a view uint8 ``[H, W, 3]`` is black, bool ``[H, W]``.

    Single dark pixels inside the tissue do not count; the rim of what does is part of it, since
    compression and resizing blur it.
    """
    dark = (image.max(axis=2) <= BLACK).astype(np.uint8)
    opened = cv2.morphologyEx(dark, cv2.MORPH_OPEN, _SQUARE)
    return np.asarray(cv2.dilate(opened, _SQUARE), dtype=bool)


def fill_surround(
    image: NDArray[np.uint8], where: NDArray[np.bool_], generator: np.random.Generator
) -> None:
    """Give the surround one random colour or noise, in place.

    Args:
        image: uint8 ``[H, W, 3]``.
        where: bool ``[H, W]``.
        generator: decides which, and its values.
    """
    content = _content(image.shape, generator, kinds=("colour", "noise"))
    image[where] = content[where]


def erase_rectangle(image: NDArray[np.uint8], generator: np.random.Generator) -> None:
    """Lay a rectangle over a random place, every other time over a corner, in place.

    Its sides are 10 to 40 % of the view's; it is black, of one random colour, or noise.

    Args:
        image: uint8 ``[H, W, 3]``.
        generator: decides size, place and content.
    """
    sides = [int(side * generator.uniform(_SMALLEST, _LARGEST)) for side in image.shape[:2]]
    rooms = [side - part for side, part in zip(image.shape[:2], sides, strict=True)]
    in_corner = generator.uniform() < 0.5
    top, left = (
        room * int(generator.integers(2)) if in_corner else int(generator.integers(room + 1))
        for room in rooms
    )
    height, width = sides
    image[top : top + height, left : left + width] = _content(
        (height, width, 3), generator, kinds=("black", "colour", "noise")
    )


def _content(
    shape: tuple[int, ...], generator: np.random.Generator, kinds: tuple[str, ...]
) -> NDArray[np.uint8]:
    kind = kinds[int(generator.integers(len(kinds)))]
    if kind == "black":
        return np.zeros(shape, np.uint8)
    size = shape if kind == "noise" else (1, 1, shape[2])
    return np.broadcast_to(generator.integers(0, 256, size, dtype=np.uint8), shape)
