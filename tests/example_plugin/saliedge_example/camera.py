"""A camera: a test card whose bright bar moves."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from edge_runtime.errors import UsageError
from edge_runtime.sources import CameraOptions, CaptureTime, Frame, Source

__all__ = ["open_test_card"]

_SIZE_WH = (96, 64)
_FPS = 50.0


def open_test_card(specification: str, options: CameraOptions) -> Source:
    """Open ``test_card`` or ``test_card:GREY``, GREY being the ground's byte."""
    grey = specification.partition(":")[2] or "40"
    if not grey.isdecimal() or int(grey) > 255:
        raise UsageError(f"{specification!r} is no test card; write test_card:GREY, 0 to 255.")
    return TestCard(specification, int(grey), options)


class TestCard(Source):
    live = True
    __test__ = False  # no test of pytest's

    def __init__(self, name: str, grey: int, options: CameraOptions) -> None:
        self.name = name
        self.fps = options.fps or _FPS
        self._grey = grey
        self._width, self._height = options.size_wh or _SIZE_WH

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while True:
            image = np.full((self._height, self._width, 3), self._grey, np.uint8)
            image[:, index % self._width] = 255
            yield Frame(image, self.name, index, CaptureTime.now(), "test-card")
            index += 1
            time.sleep(1 / self.fps)
