"""What the OpenCV sources share: silence on stderr, and one colour order."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["quiet_opencv", "rgb_from_opencv"]


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV and FFmpeg from printing; what fails is told in one sentence by the caller."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    logging: Any = cv2.utils.logging
    previous = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(previous)


def rgb_from_opencv(frame: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a frame of OpenCV as RGB.

    Args:
        frame: uint8 ``[H, W, 3]`` in BGR (OpenCV's order), or grey ``[H, W]`` or ``[H, W, 1]``.

    Returns:
        uint8 ``[H, W, 3]``, RGB, a new array.
    """
    grey = frame.ndim == 2 or frame.shape[2] == 1
    return np.asarray(
        cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB if grey else cv2.COLOR_BGR2RGB), dtype=np.uint8
    )
