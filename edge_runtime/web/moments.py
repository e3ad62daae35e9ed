"""What the page shows of one moment, encoded once however many look at it."""

from __future__ import annotations

import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_runtime.preprocessing import FrameMapping
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.saliency import heat_of_map, heat_on_field, top_regions
from edge_runtime.sources.frame_pool import FramePool

__all__ = ["MapLayer", "Picture", "field_in_frame"]

_MAX_SIDE = 1280
_JPEG_QUALITY = 85


class Picture:
    """A frame for the browser: copied now, encoded when the first viewer wants it.

    Args:
        image: uint8 ``[H, W, 3]``, RGB; above 1280 pixels it is made smaller.
        pool: Lends the memory between copying and encoding.
    """

    def __init__(self, image: NDArray[np.uint8], pool: FramePool) -> None:
        height, width = image.shape[:2]
        shrink = min(1.0, _MAX_SIDE / max(height, width))
        if shrink < 1.0:
            size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        self._pool = pool
        self._lock = threading.Lock()
        buffer = pool.take(image.shape[0], image.shape[1])
        self._bgr: NDArray[np.uint8] | None = np.asarray(
            cv2.cvtColor(image, cv2.COLOR_RGB2BGR, dst=buffer), np.uint8
        )
        self._jpeg = b""

    def jpeg(self) -> bytes:
        """Return the picture as JPEG; empty if it was given up before anybody wanted it."""
        with self._lock:
            if self._bgr is not None:
                options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
                self._jpeg = bytes(cv2.imencode(".jpg", self._bgr, options)[1])
                self._give_back()
            return self._jpeg

    def give_up(self) -> None:
        """Give the memory back if nobody has wanted the picture; a newer one is there."""
        with self._lock:
            self._give_back()

    def _give_back(self) -> None:
        if self._bgr is not None:
            self._pool.give_back(self._bgr)
            self._bgr = None


@dataclass(frozen=True)
class _Encoded:
    """A map in the form that the browser takes.

    Attributes:
        png: Colours with the warmth as opacity.
        outline: Polygons around the warmest 5 %, each ``x, y, x, y, ...`` in shares of the map.
    """

    png: bytes
    outline: list[list[float]]


class MapLayer:
    """A saliency map as a layer of its own: each viewer chooses how much of the picture it covers.

    Args:
        number: Number of the frame that it explains.
        saliency: float32 ``[h, w]``, raw; not written over by anybody.
        label: Class that it explains.
        mapping: Where its cells lie in the frame.
        frame_hw: Height and width of the frame.
        captured_at: Monotonic seconds at which its frame was taken.
        no_signal: Why the map says nothing, so that nothing is drawn; or empty.
    """

    def __init__(
        self,
        number: int,
        saliency: NDArray[np.float32],
        label: str,
        mapping: FrameMapping,
        frame_hw: tuple[int, int],
        captured_at: float,
        no_signal: str = "",
    ) -> None:
        self.number = number
        self.no_signal = no_signal
        self.label = label
        self.captured_at = captured_at
        self.place = field_in_frame(mapping, saliency.shape, frame_hw)
        self._mapping = mapping
        self._saliency = saliency
        self._lock = threading.Lock()
        self._encoded: _Encoded | None = None

    def encoded(self) -> _Encoded:
        """Return the map for the browser."""
        with self._lock:
            if self._encoded is None:
                heat = heat_on_field(heat_of_map(self._saliency), self._mapping)
                self._encoded = _encode(np.zeros_like(heat) if self.no_signal else heat)
            return self._encoded


def field_in_frame(
    mapping: FrameMapping, cells_hw: tuple[int, ...], frame_hw: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Return what the network looks at: left, top, right and bottom in shares of the frame.

    Args:
        mapping: Where cells, or the network's pixels, lie in the frame.
        cells_hw: How many rows and columns of them there are.
        frame_hw: Height and width of the frame.
    """
    height, width = frame_hw
    left, top, right, bottom = mapping.covered((cells_hw[0], cells_hw[1]))
    return (left / width, top / height, right / width, bottom / height)


def _encode(heat: NDArray[np.float32]) -> _Encoded:
    height, width = heat.shape
    levels = (np.clip(heat, 0, 1) * 255 + 0.5).astype(np.uint8)
    layer = np.dstack([cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), levels])
    png = bytes(cv2.imencode(".png", layer, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])
    outline = []
    for region in top_regions(heat):
        points = cv2.approxPolyDP(region, 0.5, closed=True).reshape(-1, 2)
        if len(points) > 2:
            shares = (points + 0.5) / (width, height)
            outline.append(np.round(shares, 4).ravel().tolist())
    return _Encoded(png, outline)
