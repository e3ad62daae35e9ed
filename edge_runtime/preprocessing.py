"""From a frame of any size to the network's input bytes: the one implementation.

Training, evaluation, calibration, the export's checks and the device all call this, so that a
network never sees pixels that were resized in another way. It is bit-exact on every machine and
OpenCV version:

1. *Region of interest*, if there is one: a fixed part of the frame takes the frame's place.
2. *Fit.* ``crop`` takes the largest centred part that has the network's aspect ratio, ``letterbox``
   takes the whole frame and pads with black, ``stretch`` takes the whole frame.
3. *Decimation*, for each axis that shrinks at least by two: exact means over boxes of an integer
   number of pixels, ``(sum + n // 2) // n``. It keeps every source pixel's share, which a linear
   kernel alone would skip (aliasing).
4. *Linear kernel* for the rest: OpenCV's fixed-point ``INTER_LINEAR_EXACT``.
5. *Shape.* Network pixels whose centre lies outside the region's ellipse or octagon become black.

The result is what the graph takes. Normalisation is part of the graph, never done here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_runtime.map_grid import MapGrid
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.region_of_interest import AxisSampling, RegionOfInterest, visible_pixels

__all__ = ["Fit", "FrameMapping", "Preprocessing"]

Fit = Literal["crop", "letterbox", "stretch"]
_MAX_SIDE = 16384
_MOST_EXACT_IN_AREA = 49
_FRAME_SIZES = 8
_KERNEL = "area-integer+linear-exact"
# Another name, so that a version that knows no regions refuses the record instead of ignoring one.
_KERNEL_OF_REGION = f"region+{_KERNEL}"


@dataclass(frozen=True)
class FrameMapping:
    """Where the network's pixels lie in the frame, in continuous coordinates.

    Pixel ``i`` covers ``[i, i + 1)`` in both systems; ``frame = offset + scale * network``.

    Attributes:
        scale_x: Frame pixels per network pixel, along the width.
        scale_y: The same along the height.
        offset_x: Frame column of the network's left edge; negative with a letterbox.
        offset_y: Frame row of the network's top edge.
        field: Left, top, right and bottom edge of what the network looks at, in the frame; None if
            it is what the pixels or cells cover.
    """

    scale_x: float
    scale_y: float
    offset_x: float
    offset_y: float
    field: tuple[float, float, float, float] | None = None

    def for_map(
        self, map_hw: tuple[int, int], network_hw: tuple[int, int], grid: MapGrid | None = None
    ) -> FrameMapping:
        """Return the mapping of a map of fewer cells (``[h, w]``) than the network has pixels.

        Args:
            map_hw: Rows and columns of the map.
            network_hw: Height and width of the network's input.
            grid: Where the centres of the cells lie; None for cells that share the field evenly.

        Examples:
            A cell of a 5 x 5 map on 160 x 160 network pixels is 96 x 96 pixels of the frame:

            >>> network = Preprocessing(height=160, width=160).mapping(480, 640)
            >>> network.for_map((5, 5), (160, 160)).to_json()
            {'scale_xy': [96.0, 96.0], 'offset_xy': [80.0, 0.0]}
        """
        places = grid or MapGrid.nominal(map_hw, network_hw)
        top, left = (
            first - stride / 2
            for first, stride in zip(places.first_yx, places.stride_yx, strict=True)
        )
        return FrameMapping(
            scale_x=self.scale_x * places.stride_yx[1],
            scale_y=self.scale_y * places.stride_yx[0],
            offset_x=self.offset_x + self.scale_x * left,
            offset_y=self.offset_y + self.scale_y * top,
            field=self.covered(network_hw),
        )

    def covered(self, cells_hw: tuple[int, int]) -> tuple[float, float, float, float]:
        """Return the left, top, right and bottom edge of what the network looks at.

        Args:
            cells_hw: Rows and columns of what is mapped.
        """
        if self.field is not None:
            return self.field
        return (
            self.offset_x,
            self.offset_y,
            self.offset_x + self.scale_x * cells_hw[1],
            self.offset_y + self.scale_y * cells_hw[0],
        )

    def to_json(self) -> dict[str, list[float]]:
        """Return ``{"scale_xy": [x, y], "offset_xy": [x, y]}``."""
        return {
            "scale_xy": [self.scale_x, self.scale_y],
            "offset_xy": [self.offset_x, self.offset_y],
        }


@dataclass(frozen=True)
class Preprocessing:
    """The geometry between a frame and the network's input.

    Attributes:
        height: Network input height, pixels.
        width: Network input width, pixels.
        fit: How a frame of another aspect ratio is fitted.
        roi: The part of the frame that takes its place, or None.

    Examples:
        >>> import numpy as np
        >>> frame = np.zeros((480, 640, 3), np.uint8)  # [H, W, 3], RGB
        >>> preprocessing = Preprocessing(height=160, width=160, fit="crop")
        >>> preprocessing.apply(frame).shape  # network bytes, uint8
        (160, 160, 3)
        >>> preprocessing.mapping(480, 640).to_json()
        {'scale_xy': [3.0, 3.0], 'offset_xy': [80.0, 0.0]}
    """

    height: int
    width: int
    fit: Fit = "crop"
    roi: RegionOfInterest | None = None

    def __post_init__(self) -> None:
        for name, side in (("height", self.height), ("width", self.width)):
            if not isinstance(side, int) or isinstance(side, bool) or not 1 <= side <= _MAX_SIDE:
                raise ValueError(f"{name} must be a whole number from 1 to {_MAX_SIDE}, not {side}")
        if self.fit not in get_args(Fit):
            raise ValueError(f"fit must be one of {', '.join(get_args(Fit))}, not {self.fit!r}")

    def apply(self, frame_hwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the network's bytes of a frame.

        Args:
            frame_hwc: uint8 ``[h, w, 3]``, RGB, any size from 1x1 on, any strides.

        Returns:
            uint8 ``[height, width, 3]``, RGB, C-contiguous, newly allocated.

        Raises:
            ValueError: The frame has another shape or dtype.
        """
        out = np.empty((self.height, self.width, 3), dtype=np.uint8)
        self.apply_into(frame_hwc, out)
        return out

    def apply_into(self, frame_hwc: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Write the network's bytes of a frame into a buffer that the caller owns.

        Args:
            frame_hwc: As for :meth:`apply`.
            out: uint8 ``[height, width, 3]``; written whole.

        Raises:
            ValueError: The frame or the buffer has another shape or dtype.
        """
        if frame_hwc.ndim != 3 or frame_hwc.shape[2] != 3 or frame_hwc.dtype != np.uint8:
            raise ValueError(
                f"expected a uint8 frame [h, w, 3], got {frame_hwc.dtype} {frame_hwc.shape}"
            )
        if frame_hwc.shape[0] < 1 or frame_hwc.shape[1] < 1:
            raise ValueError(f"expected a frame with pixels, got {frame_hwc.shape}")
        if out.shape != (self.height, self.width, 3) or out.dtype != np.uint8:
            raise ValueError(
                f"expected a uint8 buffer {(self.height, self.width, 3)}, "
                f"got {out.dtype} {out.shape}"
            )
        rows, columns = _axes(self, frame_hwc.shape[0], frame_hwc.shape[1])
        part = frame_hwc[
            rows.start : rows.start + rows.length, columns.start : columns.start + columns.length
        ]
        target = out
        if (rows.size, columns.size) != (self.height, self.width):
            out[...] = 0
            target = out[rows.pad : rows.pad + rows.size, columns.pad : columns.pad + columns.size]
        means: NDArray[Any] = _box_mean(part, rows.factor, columns.factor, target)
        if means.shape != target.shape:
            means = cv2.resize(
                means, (columns.size, rows.size), dst=target, interpolation=cv2.INTER_LINEAR_EXACT
            )
        if means is not target:
            target[...] = means
        if self.roi is not None and self.roi.shape != "rectangle":
            out[~visible_pixels(self.roi.shape, rows, columns)] = 0

    def mapping(self, frame_h: int, frame_w: int) -> FrameMapping:
        """Return where the network's pixels lie in a frame of ``frame_h`` x ``frame_w`` pixels."""
        return _mapping(self, frame_h, frame_w)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        record: dict[str, Any] = {
            "height": self.height,
            "width": self.width,
            "fit": self.fit,
            "kernel": _KERNEL,
            "color_order": "RGB",
        }
        if self.roi is not None:
            record |= {"kernel": _KERNEL_OF_REGION, "roi": self.roi.to_json()}
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Preprocessing:
        """Build from a JSON object.

        Raises:
            ValueError: A field is missing or out of range, or the record asks for a kernel or a
                colour order that this version does not implement.
        """
        kernel = record.get("kernel", _KERNEL)
        order = record.get("color_order", "RGB")
        region = record.get("roi")
        if kernel != (_KERNEL if region is None else _KERNEL_OF_REGION) or order != "RGB":
            raise ValueError(f"preprocessing kernel {kernel!r} with {order!r} is not known")
        if region is not None and not isinstance(region, dict):
            raise ValueError("the preprocessing's region is not an object")
        missing = {"height", "width"} - record.keys()
        if missing:
            raise ValueError(f"preprocessing lacks {', '.join(sorted(missing))}")
        return cls(
            record["height"],
            record["width"],
            record.get("fit", "crop"),
            None if region is None else RegionOfInterest.from_json(region),
        )

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of :meth:`to_json`'s object."""
        side = {"type": "integer", "minimum": 1, "maximum": _MAX_SIDE}
        return {
            "type": "object",
            "properties": {
                "height": {"description": "Network input height, pixels.", **side},
                "width": {"description": "Network input width, pixels.", **side},
                "fit": {
                    "description": "How a frame of another aspect ratio is fitted.",
                    "enum": list(get_args(Fit)),
                },
                "kernel": {
                    "description": "How pixels are computed; of a version, and another with a "
                    "region.",
                    "enum": [_KERNEL, _KERNEL_OF_REGION],
                },
                "color_order": {"const": "RGB"},
                "roi": {"anyOf": [RegionOfInterest.json_schema(), {"type": "null"}]},
            },
            "required": ["height", "width"],
        }


@lru_cache(maxsize=_FRAME_SIZES)
def _axes(network: Preprocessing, whole_h: int, whole_w: int) -> tuple[AxisSampling, AxisSampling]:
    """Return how the rows and the columns of a frame are cut and resized."""
    top, bottom, left, right = 0, whole_h, 0, whole_w
    if network.roi is not None:
        top, bottom, left, right = network.roi.pixels(whole_h, whole_w)
    frame_h, frame_w = bottom - top, right - left
    part_h, part_w, size_h, size_w = frame_h, frame_w, network.height, network.width
    # Aspect ratios are compared by cross products: whole numbers, alike on every machine.
    frame_is_wider = frame_w * network.height > frame_h * network.width
    if network.fit == "crop":
        if frame_is_wider:
            part_w = max(1, _rounded_division(frame_h * network.width, network.height))
        else:
            part_h = max(1, _rounded_division(frame_w * network.height, network.width))
    elif network.fit == "letterbox":
        if frame_is_wider:
            size_h = max(1, _rounded_division(network.width * frame_h, frame_w))
        else:
            size_w = max(1, _rounded_division(network.height * frame_w, frame_h))
    return (
        _axis(top, bottom, part_h, size_h, network.height),
        _axis(left, right, part_w, size_w, network.width),
    )


@lru_cache(maxsize=_FRAME_SIZES)
def _mapping(network: Preprocessing, frame_h: int, frame_w: int) -> FrameMapping:
    rows, columns = _axes(network, frame_h, frame_w)
    return FrameMapping(
        scale_x=columns.scale,
        scale_y=rows.scale,
        offset_x=columns.offset,
        offset_y=rows.offset,
    )


def _rounded_division(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _axis(low: int, high: int, part: int, size: int, network: int) -> AxisSampling:
    """Centre a part between two frame pixels and cut it to a whole number of boxes."""
    part = min(part, high - low)
    factor = max(1, part // size)
    length = part - part % factor
    return AxisSampling(
        low=low,
        high=high,
        start=low + (high - low - length) // 2,
        length=length,
        factor=factor,
        size=size,
        pad=(network - size) // 2,
        network=network,
    )


def _box_mean(
    image_hwc: NDArray[np.uint8], factor_y: int, factor_x: int, out: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Average boxes of ``factor_y`` x ``factor_x`` pixels, rounding half up.

    Args:
        image_hwc: uint8 ``[h * factor_y, w * factor_x, 3]``, a part of a frame.
        out: Where the means may go, if they have its shape.

    Returns:
        uint8 ``[h, w, 3]``: ``out``, another array, or the image itself if the boxes are pixels.
    """
    if factor_y == 1 and factor_x == 1:
        return image_hwc
    height, width = image_hwc.shape[0] // factor_y, image_hwc.shape[1] // factor_x
    target = out if out.shape[:2] == (height, width) else None
    if factor_y == 2 and factor_x == 2:
        # The fixed-point linear kernel at exactly one half is the same mean, five times as fast.
        halved = cv2.resize(
            image_hwc, (width, height), dst=target, interpolation=cv2.INTER_LINEAR_EXACT
        )
        return np.asarray(halved, dtype=np.uint8)
    count = factor_y * factor_x
    if count % 2 and count <= _MOST_EXACT_IN_AREA:
        # A mean of an odd number of bytes lies at least 1 / (2 * count) from where rounding turns,
        # which is far more than any order of float sums over so few can err: every build agrees.
        mean = cv2.resize(image_hwc, (width, height), dst=target, interpolation=cv2.INTER_AREA)
        return np.asarray(mean, dtype=np.uint8)
    exact_in_16_bit = count * 255 + count // 2 <= 65535
    dtype: type[np.uint16] | type[np.uint32] = np.uint16 if exact_in_16_bit else np.uint32
    rows = np.ascontiguousarray(image_hwc).reshape(height, factor_y, width * factor_x * 3)
    sums: NDArray[Any] = rows[:, 0].astype(dtype)
    for index in range(1, factor_y):
        np.add(sums, rows[:, index], out=sums)
    columns = sums.reshape(height * width, factor_x, 3)
    total: NDArray[Any] = columns[:, 0] + dtype(count // 2)
    for index in range(1, factor_x):
        np.add(total, columns[:, index], out=total)
    np.floor_divide(total, dtype(count), out=total)
    return total.astype(np.uint8).reshape(height, width, 3)
