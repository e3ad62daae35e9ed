"""V4L2 cameras (USB, capture cards, ``vivid``) through OpenCV."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import cv2

from edge_runtime.errors import SourceError
from edge_runtime.sources.base import Frame, Source
from edge_runtime.sources.opencv import CaptureReader, quiet_opencv

__all__ = ["V4l2Source"]

_MAX_MISSES = 5


class V4l2Source(Source):
    """A V4L2 camera by its device.

    Args:
        device: Device file, e.g. ``/dev/video0``, or a lasting name such as
            ``/dev/v4l/by-id/usb-...``.
        width: Wanted frame width; the driver's own if None. The driver may choose another.
        height: Wanted frame height, as ``width``.
        fps: Wanted frame rate, as ``width``.
        pixel_format: Wanted format by its four characters, e.g. ``MJPG`` or ``YUYV``; the driver's
            own if None. Frames are RGB in any case.

    Raises:
        SourceError: There is no such device, it may not be read, it gives no pictures, or it has
            not the pixel format.
    """

    live = True

    def __init__(
        self,
        device: str,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        pixel_format: str | None = None,
    ) -> None:
        self.name = device
        self._stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(device).name)
        _check_device(device)
        number = re.fullmatch(r"/dev/video(\d+)", device)
        with quiet_opencv():
            self._capture = cv2.VideoCapture(int(number[1]) if number else device, cv2.CAP_V4L2)
            if not self._capture.isOpened():
                raise SourceError(
                    f"The camera {device} cannot be opened; close the program that uses it, or "
                    f"choose a device that captures video."
                )
            # The format first: which sizes and rates there are depends on it.
            if pixel_format is not None:
                self._set_pixel_format(pixel_format)
            for name, value in (
                (cv2.CAP_PROP_FRAME_WIDTH, width),
                (cv2.CAP_PROP_FRAME_HEIGHT, height),
                (cv2.CAP_PROP_FPS, fps),
            ):
                if value is not None:
                    self._capture.set(name, value)
            # A deep driver queue only makes frames older.
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._reader = CaptureReader(self._capture, stamped=True)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = rate if 0 < rate < 1000 else None

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames as the camera gives them.

        Raises:
            SourceError: The camera gives no more frames.
        """
        index, misses = 0, 0
        while True:
            read = self._reader.read()
            if read is None:
                # A damaged frame (JPEG over a bad cable) is passed over; a lost camera is not.
                misses += 1
                if misses > _MAX_MISSES:
                    raise SourceError(f"The camera {self.name} gives no frames; check its cable.")
                continue
            misses = 0
            image, taken_at = read
            yield Frame(image, self.name, index, taken_at, self._stem, pool=self._reader.pool)
            index += 1

    def _set_pixel_format(self, wanted: str) -> None:
        code = cv2.VideoWriter.fourcc(*wanted)
        self._capture.set(cv2.CAP_PROP_FOURCC, code)
        if int(self._capture.get(cv2.CAP_PROP_FOURCC)) != code:
            self._capture.release()
            raise SourceError(
                f"The camera {self.name} does not give the pixel format {wanted!r}; `saliedge "
                f"cameras` lists those it has."
            )

    def close(self) -> None:
        """Give the camera back."""
        with quiet_opencv():  # which complains of a device that has gone
            self._capture.release()


def _check_device(device: str) -> None:
    path = Path(device)
    if not path.exists():
        present = ", ".join(sorted(str(found) for found in Path("/dev").glob("video*")))
        remedy = f"choose one of: {present}" if present else "connect one"
        raise SourceError(f"There is no camera {device}; {remedy}.")
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceError(
            f"The camera {device} may not be used by this user; add it to the group 'video'."
        )
