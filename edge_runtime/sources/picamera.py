"""Raspberry Pi camera modules through Picamera2, which is imported only when it is asked for.

The naming trap: libcamera names a pixel format by its little-endian word, so Picamera2's
``RGB888`` lies in memory as B, G, R and ``BGR888`` as R, G, B. This source asks for ``BGR888`` and
then converts whatever format the camera was really configured with.

Written after Picamera2's manual and source and tested with a stand-in; not yet run on a board.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import DependencyError, SourceError
from edge_runtime.sources.base import CaptureTime, Frame, Source
from edge_runtime.sources.frame_pool import FramePool

__all__ = ["PICAMERA_FORMATS", "PicameraSource", "rgb_from_picamera"]

_DEFAULT_SIZE = (640, 480)
_OLDEST_STAMP_SECONDS = 2.0
_FIRST_CHANNEL_IS_RED = {"BGR888": True, "XBGR8888": True, "RGB888": False, "XRGB8888": False}
PICAMERA_FORMATS = tuple(_FIRST_CHANNEL_IS_RED)
"""Names of the pixel formats that a Pi camera may be configured with."""


def rgb_from_picamera(
    array: NDArray[np.uint8], pixel_format: str, out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """Return an array of Picamera2 as RGB.

    Args:
        array: uint8 ``[H, W, 3]`` or ``[H, W, 4]`` as ``make_array`` gives it.
        pixel_format: libcamera's name of its format, one of ``BGR888`` and ``XBGR8888`` (R, G, B
            in memory) and ``RGB888`` and ``XRGB8888`` (B, G, R in memory).
        out: uint8 ``[H, W, 3]``, written over; a new array if None.

    Returns:
        uint8 ``[H, W, 3]``, RGB, C-contiguous: ``out``, or the new array.

    Raises:
        SourceError: Another format.
    """
    red_first = _FIRST_CHANNEL_IS_RED.get(pixel_format)
    if red_first is None:
        raise SourceError(
            f"The camera gives the pixel format {pixel_format!r}; configure one of: "
            f"{', '.join(_FIRST_CHANNEL_IS_RED)}."
        )
    colors = array[..., :3] if red_first else array[..., 2::-1]
    if out is None:
        out = np.empty(colors.shape, dtype=np.uint8)
    out[...] = colors
    return out


class PicameraSource(Source):
    """A Pi camera module.

    Args:
        number: Number of the camera, from 0.
        size_wh: Frame width and height.
        fps: Frame rate; the camera's own if None.
        pixel_format: One of :data:`PICAMERA_FORMATS`. Frames are RGB in any case.

    Raises:
        DependencyError: Picamera2 is not installed or cannot be imported.
        SourceError: There is no camera of that number, or it cannot be started.
    """

    live = True

    def __init__(
        self,
        number: int = 0,
        size_wh: tuple[int, int] = _DEFAULT_SIZE,
        fps: float | None = None,
        pixel_format: str = "BGR888",
    ) -> None:
        self.name = f"picamera2:{number}"
        self._stem = f"picamera2-{number}"
        try:
            camera_class: Any = import_module("picamera2").Picamera2
        except (ImportError, OSError) as error:
            raise DependencyError(
                f"Picamera2 cannot be imported ({' '.join(str(error).split())[:120]}): apt install "
                f"python3-picamera2, and make the environment with --system-site-packages."
            ) from error
        count = len(camera_class.global_camera_info())
        if number >= count:
            raise SourceError(
                f"There is no Pi camera {number} ({count} found); check its ribbon cable."
            )
        self.fps = fps
        self._pool = FramePool()
        self._camera: Any = None
        try:
            self._camera = camera_class(camera_num=number)
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": size_wh, "format": pixel_format},
                    controls={} if fps is None else {"FrameRate": fps},
                    queue=False,
                )
            )
            self._camera.start()
            self._format = str(self._camera.camera_configuration()["main"]["format"])
        except (RuntimeError, IndexError, KeyError) as error:
            if self._camera is not None:
                self._camera.close()
            raise SourceError(
                f"The Pi camera {number} cannot be started ({' '.join(str(error).split())[:120]}); "
                f"close the program that uses it."
            ) from error

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames as the camera gives them.

        Raises:
            SourceError: The camera fails.
        """
        index = 0
        while True:
            try:
                request = self._camera.capture_request()
            except (RuntimeError, TimeoutError) as error:
                raise SourceError(
                    f"The Pi camera {self.name} gives no frames; check its ribbon cable."
                ) from error
            try:
                captured_at = _sensor_time(request.get_metadata())
                # make_array copies, so the buffer can go back to the camera at once.
                array = request.make_array("main")
            finally:
                request.release()
            image = rgb_from_picamera(array, self._format, self._pool.take(*array.shape[:2]))
            yield Frame(image, self.name, index, captured_at, self._stem, pool=self._pool)
            index += 1

    def close(self) -> None:
        """Stop the camera and give it back."""
        self._camera.stop()
        self._camera.close()


def _sensor_time(metadata: dict[str, Any]) -> CaptureTime:
    """Return when the sensor began the frame (nanoseconds since boot), if that is told."""
    stamp = metadata.get("SensorTimestamp")
    if isinstance(stamp, int):
        age = (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - stamp) / 1e9
        if 0 <= age <= _OLDEST_STAMP_SECONDS:
            return CaptureTime.before_now(age)
    return CaptureTime.now()
