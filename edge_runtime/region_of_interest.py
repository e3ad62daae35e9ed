"""The part of a frame that the network looks at, as fractions of the frame.

Endoscope signals arrive with borders, text and displays around the picture. A fixed region cuts
them off alike in training and on the device. Everything here is whole-number arithmetic once the
fractions have become pixels, so that it gives the same pixels on every machine.
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt
from typing import Annotated, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from edge_runtime.quick_dataclass import dataclass
from edge_runtime.record import Record, entry

__all__ = ["AxisSampling", "RegionOfInterest", "Shape", "visible_pixels"]

Shape = Literal["rectangle", "ellipse", "octagon"]
_Fraction = Annotated[float, entry(minimum=0, maximum=1)]
_SMALLEST = 0.01
# Corners of a regular octagon in a square: |u| + |v| <= sqrt(2), in thousandths.
_OCTAGON = 1414
_FRAME_SIZES = 8


@dataclass(frozen=True)
class RegionOfInterest(Record):
    """A part of a frame.

    Attributes:
        left: First column, as a fraction of the frame's width.
        top: First row, as a fraction of the frame's height.
        right: Behind the last column, as a fraction of the width.
        bottom: Behind the last row, as a fraction of the height.
        shape: What is kept of the rectangle: all, the ellipse that touches its sides (a circle in a
            square), or the octagon that does (regular in a square). The rest becomes black.
    """

    left: _Fraction
    top: _Fraction
    right: _Fraction
    bottom: _Fraction
    shape: Shape = "rectangle"

    def __post_init__(self) -> None:
        for low, high, axis in (
            (self.left, self.right, "left, right"),
            (self.top, self.bottom, "top, bottom"),
        ):
            if not all(
                isinstance(side, int | float) and not isinstance(side, bool) for side in (low, high)
            ):
                raise ValueError(f"the region's {axis} must be numbers, not {low!r}, {high!r}")
            if not (low >= 0 and high <= 1 and high - low >= _SMALLEST):
                raise ValueError(
                    f"the region's {axis} must rise from 0 to 1 by at least {_SMALLEST}, "
                    f"not {low}, {high}"
                )
        if self.shape not in get_args(Shape):
            raise ValueError(
                f"the region's shape must be one of {', '.join(get_args(Shape))}, "
                f"not {self.shape!r}"
            )

    @classmethod
    def parse(cls, text: str, shape: Shape = "rectangle") -> RegionOfInterest:
        """Read ``left,top,right,bottom``, such as ``0.25,0,0.95,1``.

        Raises:
            ValueError: It is not four numbers, or they are no region.

        Examples:
            >>> RegionOfInterest.parse("0.25,0,0.95,1").description
            '25.0% to 95.0% of the width, 0.0% to 100.0% of the height'
        """
        try:
            left, top, right, bottom = (float(side) for side in text.split(","))
        except ValueError:
            raise ValueError(
                f"a region is left,top,right,bottom in fractions, not {text!r}"
            ) from None
        return cls(left, top, right, bottom, shape)

    def __str__(self) -> str:
        """Return what :meth:`parse` reads."""
        return ",".join(str(side) for side in (self.left, self.top, self.right, self.bottom))

    @property
    def description(self) -> str:
        """The region for people: ``25 % to 95 % of the width, 0 % to 100 % of the height``."""
        kept = "" if self.shape == "rectangle" else f", {self.shape}"
        return (
            f"{self.left:.1%} to {self.right:.1%} of the width, {self.top:.1%} to "
            f"{self.bottom:.1%} of the height{kept}"
        )

    def pixels(self, frame_h: int, frame_w: int) -> tuple[int, int, int, int]:
        """Return ``top, bottom, left, right`` in pixels of a frame; at least one pixel each way."""
        return (*_span(self.top, self.bottom, frame_h), *_span(self.left, self.right, frame_w))


@dataclass(frozen=True)
class AxisSampling:
    """How one axis of the region is cut, decimated and resized to the network's, in whole pixels.

    ``length`` frame pixels from ``start`` on are averaged in boxes of ``factor`` and then resized
    to ``size`` network pixels, which lie ``pad`` pixels from the network's edge.

    Attributes:
        low: The region's first frame pixel.
        high: The one behind its last.
        start: First frame pixel that is seen.
        length: Frame pixels that are seen.
        factor: Frame pixels of a box.
        size: Network pixels that show them.
        pad: Network pixels before those.
        network: Network pixels in all.
    """

    low: int
    high: int
    start: int
    length: int
    factor: int
    size: int
    pad: int
    network: int

    @property
    def scale(self) -> float:
        """Frame pixels per network pixel."""
        return self.length / self.size

    @property
    def offset(self) -> float:
        """Place of the network's edge in the frame."""
        return self.start - self.pad * self.scale

    @property
    def radius(self) -> int:
        """Half the region's width, in units of ``1 / (2 * size)`` frame pixels."""
        return self.size * (self.high - self.low)

    def from_centre(self, pixel: int) -> int:
        """Return a network pixel's centre minus the region's, in the same units as ``radius``."""
        place = 2 * self.size * self.start + (2 * (pixel - self.pad) + 1) * self.length
        return place - self.size * (self.low + self.high)


@lru_cache(maxsize=_FRAME_SIZES)
def visible_pixels(shape: Shape, rows: AxisSampling, columns: AxisSampling) -> NDArray[np.bool_]:
    """Return which network pixels have their centre inside the region's shape.

    With u and v from -1 to 1 across the rectangle, the ellipse is u^2 + v^2 <= 1 and the octagon
    |u| + |v| <= 1.414 within the rectangle.

    Args:
        shape: ``ellipse`` or ``octagon``; a rectangle hides nothing of itself.
        rows: The vertical axis.
        columns: The horizontal axis.

    Returns:
        bool ``[rows.network, columns.network]``, read-only.
    """
    across = np.array([abs(columns.from_centre(x)) for x in range(columns.network)], dtype=object)
    visible = np.empty((rows.network, columns.network), dtype=bool)
    for y in range(rows.network):
        visible[y] = across <= _reach(shape, abs(rows.from_centre(y)), rows.radius, columns.radius)
    visible.flags.writeable = False
    return visible


def _reach(shape: Shape, down: int, radius_y: int, radius_x: int) -> int:
    """How far to either side a row reaches that is ``down`` from the centre; -1 if not at all."""
    if down > radius_y:
        return -1
    if shape == "ellipse":
        return isqrt(radius_x**2 * (radius_y**2 - down**2) // radius_y**2)
    if shape == "octagon":
        return min(radius_x, radius_x * (_OCTAGON * radius_y - 1000 * down) // (1000 * radius_y))
    return radius_x


def _span(low: float, high: float, side: int) -> tuple[int, int]:
    """Fractions to pixels: rounded half up, at least one pixel, inside the side."""
    first = min(int(low * side + 0.5), side - 1)
    return first, max(first + 1, int(high * side + 0.5))
