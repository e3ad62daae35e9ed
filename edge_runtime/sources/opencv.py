"""What the OpenCV sources share: reading a capture quietly, and one colour order."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import SourceError
from edge_runtime.sources.base import CaptureTime
from edge_runtime.sources.frame_pool import FramePool

__all__ = ["CaptureReader", "quiet_opencv", "rgb_from_opencv"]

_OLDEST_STAMP_SECONDS = 2.0
_BGR24 = cv2.VideoWriter.fourcc(*"BGR3")
_SILENT = 0  # OpenCV's LOG_LEVEL_SILENT


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV and FFmpeg from printing; what fails is told in one sentence by the caller."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    # OpenCV 5 has moved the function; bookworm's packages need an OpenCV before it.
    logging: Any = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging
    previous = logging.setLogLevel(_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(previous)


def rgb_from_opencv(frame: NDArray[Any], out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Return a frame of OpenCV as RGB.

    Args:
        frame: uint8 ``[H, W, 3]`` in BGR (OpenCV's order), or grey ``[H, W]`` or ``[H, W, 1]``.
        out: uint8 ``[H, W, 3]``, written over; a new array if None.

    Returns:
        uint8 ``[H, W, 3]``, RGB: ``out``, or the new array.
    """
    grey = frame.ndim == 2 or frame.shape[2] == 1
    code = cv2.COLOR_GRAY2RGB if grey else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(frame, code, dst=out), dtype=np.uint8)


class CaptureReader:
    """Reads an opened ``cv2.VideoCapture`` into buffers that go round.

    Args:
        capture: The capture, opened.
        stamped: Whether the capture tells when the driver took a frame (V4L2), on the clock of
            ``time.monotonic``.
    """

    def __init__(self, capture: cv2.VideoCapture, stamped: bool = False) -> None:
        self.pool = FramePool()
        self._capture = capture
        self._stamped = stamped
        self._decoded: NDArray[Any] | None = None

    def read(self) -> tuple[NDArray[np.uint8], CaptureTime] | None:
        """Return the next frame in RGB, in a buffer of the pool, and when it was taken.

        Returns:
            None if there is none, or it cannot be decoded.

        Raises:
            SourceError: The camera's pixel format cannot be shown.
        """
        with quiet_opencv():
            try:
                if not self._capture.grab():
                    return None
                taken_at = self._taken_at()
                decoded, image = self._capture.retrieve(self._decoded)
            except cv2.error:  # e.g. a stream whose pictures change their layout in flight
                return None
        if not decoded or image is None or image.size == 0:
            return None
        self._decoded = image
        picture = self._shaped(image)
        return rgb_from_opencv(picture, self.pool.take(*picture.shape[:2])), taken_at

    def _shaped(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return a frame with its rows, if OpenCV left its bytes as a single one.

        OpenCV 4.11 does that to BGR24 (https://github.com/opencv/opencv/issues/27166), and any
        version to a format that it does not convert, whose bytes must not pass for a picture.
        """
        get = self._capture.get
        width, height = int(get(cv2.CAP_PROP_FRAME_WIDTH)), int(get(cv2.CAP_PROP_FRAME_HEIGHT))
        if image.shape[0] != 1 or height <= 1:
            return image
        row_bytes, rest = divmod(image.nbytes, height)
        if int(get(cv2.CAP_PROP_FOURCC)) != _BGR24 or rest or row_bytes < 3 * width:
            raise SourceError(
                "The camera's pixel format is none that OpenCV converts; choose another with "
                "--camera-format (`saliedge cameras` lists them)."
            )
        # A driver may pad its rows.
        return image.reshape(height, row_bytes)[:, : 3 * width].reshape(height, width, 3)

    def _taken_at(self) -> CaptureTime:
        """Return the driver's own stamp if it is plausible, else the time of arrival."""
        if self._stamped:
            stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
            age = time.monotonic() - stamp
            if stamp > 0 and 0 <= age <= _OLDEST_STAMP_SECONDS:
                return CaptureTime.before_now(age)
        return CaptureTime.now()
