"""The kinds of saliency map that are measured, and what they are called."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_runtime.map_grid import MapGrid
from edge_runtime.metrics import box_mean

__all__ = [
    "MAP_NAMES",
    "SMOOTHING",
    "Maps",
    "evidence_on_pixels",
    "map_name",
    "on_pixels",
    "smoothed",
]

Maps = NDArray[np.float32]
SMOOTHING = 9
"""Side of the box that maps of pixels are averaged over where places count, in pixels."""

MAP_NAMES = {
    "gradient": "gradient",
    "gradient-early": "gradient at an early map",
    "cam": "class activation map",
    "smoothgrad": "SmoothGrad",
    "smoothgrad-early": "SmoothGrad at an early map",
    "gradient-x-input": "gradient x input",
    "occlusion": "occlusion",
}
"""Name of one of this project's methods on the command line -> its name in tables."""


def map_name(method: str) -> str:
    """The name of a method's map in tables; a plug-in's method has one name only."""
    return MAP_NAMES.get(method, method)


def evidence_on_pixels(maps: Maps, size: tuple[int, int], grid: MapGrid | None = None) -> Maps:
    """The part of maps that speaks for the class, on the pixels of the network's input.

    A class activation map can be negative where a cell speaks against the class: the ReLU of
    Grad-CAM (arXiv 1610.02391, eq. 2) leaves that out wherever shares of a map are measured.

    Args:
        maps: float32 ``[N, h, w]``, raw.
        size: height and width of the network's input.
        grid: where their cells lie, see :func:`on_pixels`.

    Returns:
        float32 ``[N, height, width]``, not negative.
    """
    return on_pixels(np.maximum(maps, 0), size, grid)


def on_pixels(maps: Maps, size: tuple[int, int], grid: MapGrid | None = None) -> Maps:
    """Maps ``[N, h, w]`` enlarged to the picture by a linear kernel (arXiv 1512.04150, section 2).

    Args:
        maps: float32 ``[N, h, w]``; maps of pixels stay as they are.
        size: height and width of the network's input.
        grid: where their cells lie; None for cells that share the picture evenly.
    """
    if maps.shape[1:] == size:
        return maps
    places = grid or MapGrid.nominal((maps.shape[1], maps.shape[2]), size)
    return places.enlarged(maps, size)


def smoothed(maps: Maps) -> Maps:
    """The box mean of maps of pixels ``[N, H, W]``: places instead of single noisy pixels."""
    return np.stack([box_mean(one, SMOOTHING) for one in maps]).astype(np.float32)
