"""Showing a saliency map: everything here is presentation, never what is stored as the map.

The graph gives a raw map (see :mod:`edge_runtime.bundle.graphs`). To be looked at it is smoothed
if it is fine-grained, brought to 0..1 by percentiles of its own picture, laid where it belongs in
the frame, and drawn in a perceptually uniform colour map. So colours compare places within one
picture, not two pictures.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_runtime.preprocessing import FrameMapping

__all__ = [
    "TOP_SHARE",
    "colorize",
    "draw_heat",
    "heat_of_map",
    "heat_on_field",
    "heat_on_frame",
    "overlay",
    "smoothed_map",
    "top_regions",
    "warmest",
]

# Up to this side a map is enlarged so far that the shape of the kernel can be seen.
_COARSE_SIDE = 48
# Strided convolutions reach every second cell of their input more often than the others, so that a
# gradient is a lattice of dots; a Gaussian of one cell leaves 1 % of it. Fewer cells than twelve a
# side are a class activation map, whose cells are too large to be spread over their neighbours.
_LEAST_SMOOTHED_SIDE = 12
_SMOOTHING, _LEAST_SMOOTHING = 0.025, 1.0
_LEAST_SIDE = 96
_LOW_PERCENTILE, _HIGH_PERCENTILE = 50.0, 99.5
TOP_SHARE = 0.05
"""Share of a map that counts as its warmest part."""
_CONTOUR_RGB = (255, 255, 255)
_CONTOUR_RIM_RGB = (0, 0, 0)


def heat_of_map(saliency: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring a raw map to 0..1 for showing.

    It is smoothed (:func:`smoothed_map`); then the median and everything below becomes 0, the
    99.5th percentile and everything above becomes 1.

    Args:
        saliency: float32 ``[h, w]``, any range; values that are not finite count as 0.

    Returns:
        float32 ``[h, w]`` in 0..1; all 0 for a map without contrast.
    """
    heat = smoothed_map(saliency)
    low, high = np.percentile(heat, (_LOW_PERCENTILE, _HIGH_PERCENTILE))
    if not high > low:
        return np.zeros_like(heat)
    scaled: NDArray[np.float32] = np.clip((heat - low) / (high - low), 0, 1).astype(np.float32)
    return scaled


def smoothed_map(saliency: NDArray[np.float32]) -> NDArray[np.float32]:
    """Smooth a gradient by a Gaussian of 2.5 % of its side, at least of one cell.

    Args:
        saliency: float32 ``[h, w]``, any range; values that are not finite count as 0. Maps below
            twelve cells a side, class activation maps, stay as they are.
    """
    finite = np.nan_to_num(saliency, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    side = max(finite.shape)
    if side < _LEAST_SMOOTHED_SIDE:
        return finite
    sigma = max(side * _SMOOTHING, _LEAST_SMOOTHING)
    return np.asarray(cv2.GaussianBlur(finite, (0, 0), sigma), dtype=np.float32)


def heat_on_frame(
    heat: NDArray[np.float32], mapping: FrameMapping, frame_hw: tuple[int, int]
) -> NDArray[np.float32]:
    """Lay a map over the part of the frame that it describes.

    Args:
        heat: float32 ``[h, w]``.
        mapping: Where the map's cells lie in the frame.
        frame_hw: Height and width of the frame.

    Returns:
        float32 ``[H, W]``, within the range of ``heat``; 0 where the network did not look.
    """
    # warpAffine goes by pixel centres: centre i of the map is i + 0.5 in continuous coordinates.
    matrix = np.array(
        [
            [mapping.scale_x, 0, mapping.offset_x + 0.5 * mapping.scale_x - 0.5],
            [0, mapping.scale_y, mapping.offset_y + 0.5 * mapping.scale_y - 0.5],
        ]
    )
    size = (frame_hw[1], frame_hw[0])
    # Between coarse cells a cubic avoids the star shapes of a linear kernel.
    kernel = cv2.INTER_CUBIC if max(heat.shape) <= _COARSE_SIDE else cv2.INTER_LINEAR
    warped = cv2.warpAffine(heat, matrix, size, flags=kernel, borderMode=cv2.BORDER_REPLICATE)
    laid: NDArray[np.float32] = np.clip(warped, heat.min(), heat.max()).astype(np.float32)
    field = mapping.covered((heat.shape[0], heat.shape[1]))
    top, bottom = _covered(field[1], field[3], frame_hw[0])
    left, right = _covered(field[0], field[2], frame_hw[1])
    laid[:top] = 0
    laid[bottom:] = 0
    laid[:, :left] = 0
    laid[:, right:] = 0
    return laid


def heat_on_field(heat: NDArray[np.float32], mapping: FrameMapping) -> NDArray[np.float32]:
    """Lay a map over what the network looks at, fine enough for outlines and to be enlarged.

    Args:
        heat: float32 ``[h, w]``.
        mapping: Where the map's cells lie in the frame.

    Returns:
        float32 ``[h, w]``, within the range of ``heat``; the longer side is the map's own, and at
        least 96.
    """
    left, top, right, bottom = mapping.covered((heat.shape[0], heat.shape[1]))
    scale = max(_LEAST_SIDE, *heat.shape) / max(right - left, bottom - top)
    height, width = (max(1, round(scale * side)) for side in (bottom - top, right - left))
    scale_x, scale_y = width / (right - left), height / (bottom - top)
    on_field = FrameMapping(
        scale_x=mapping.scale_x * scale_x,
        scale_y=mapping.scale_y * scale_y,
        offset_x=(mapping.offset_x - left) * scale_x,
        offset_y=(mapping.offset_y - top) * scale_y,
        field=(0, 0, width, height),
    )
    return heat_on_frame(heat, on_field, (height, width))


def colorize(heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw a map in 0..1 in the colour map "inferno" (dark to bright; good in grey print too).

    Returns:
        uint8 ``[H, W, 3]``, RGB.
    """
    levels = (np.clip(heat, 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.asarray(
        cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB),
        dtype=np.uint8,
    )


def overlay(
    frame_hwc: NDArray[np.uint8],
    saliency: NDArray[np.float32],
    mapping: FrameMapping,
    opacity: float = 0.65,
    contour: bool = True,
) -> NDArray[np.uint8]:
    """Draw a raw saliency map over its frame.

    Colour covers the picture only where the map is warm: cold parts stay as they are.

    Args:
        frame_hwc: uint8 ``[H, W, 3]``, RGB.
        saliency: float32 ``[h, w]``, raw.
        mapping: Where the map's cells lie in the frame.
        opacity: Cover at the warmest place, 0 to 1.
        contour: Whether to outline the warmest 5 % of the frame.

    Returns:
        uint8 ``[H, W, 3]``, RGB, a new array.

    Raises:
        ValueError: ``opacity`` is not within 0 to 1.
    """
    heat = heat_on_frame(heat_of_map(saliency), mapping, frame_hwc.shape[:2])
    return draw_heat(frame_hwc, heat, opacity, contour)


def draw_heat(
    frame_hwc: NDArray[np.uint8],
    heat: NDArray[np.float32],
    opacity: float = 0.65,
    contour: bool = True,
) -> NDArray[np.uint8]:
    """Draw a map that lies on its frame; see :func:`overlay`.

    Args:
        frame_hwc: uint8 ``[H, W, 3]``, RGB.
        heat: float32 ``[H, W]``, 0 to 1, of :func:`heat_on_frame`.
        opacity: Cover at the warmest place, 0 to 1.
        contour: Whether to outline the warmest 5 % of the frame.

    Raises:
        ValueError: ``opacity`` is not within 0 to 1.
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must be within 0 to 1, not {opacity}")
    cover = heat * np.float32(opacity)
    blended = cv2.blendLinear(
        np.ascontiguousarray(frame_hwc), colorize(heat), np.float32(1) - cover, cover
    )
    result = np.asarray(blended, dtype=np.uint8)
    if contour:
        _outline_top(result, heat)
    return result


def warmest(heat: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which cells are the warmest 5 % of a map, bool ``[h, w]``; none of a map of zeros.

    Args:
        heat: float32 ``[h, w]``, not negative.
    """
    threshold = float(np.quantile(heat, 1 - TOP_SHARE))
    return np.asarray((heat >= threshold) & (heat > 0))


def top_regions(heat: NDArray[np.float32]) -> list[NDArray[np.int32]]:
    """Return the outlines of the warmest 5 % of a map.

    Args:
        heat: float32 ``[h, w]``, 0 to 1.

    Returns:
        Contours int32 ``[n, 1, 2]``, x and y in pixels of the map; none for a map without contrast.
    """
    region = warmest(heat).astype(np.uint8)
    contours, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [np.asarray(contour, dtype=np.int32) for contour in contours]


def _outline_top(image: NDArray[np.uint8], heat: NDArray[np.float32]) -> None:
    contours = top_regions(heat)
    width = max(1, round(max(image.shape[:2]) / 400))
    cv2.drawContours(image, contours, -1, _CONTOUR_RIM_RGB, width + 2, cv2.LINE_AA)
    cv2.drawContours(image, contours, -1, _CONTOUR_RGB, width, cv2.LINE_AA)


def _covered(start: float, end: float, side: int) -> tuple[int, int]:
    """Return the first pixel and the one behind the last whose centre the map describes."""
    first = int(np.clip(np.ceil(start - 0.5), 0, side))
    last = int(np.clip(np.ceil(end - 0.5), first, side))
    return first, last
