"""The contract between a source of frames and the loop that classifies them.

A frame has an owner: the source makes it, the feed hands it on, the loop gives it back with
:meth:`Frame.release` when every output has seen it. What an output wants to keep it copies.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_runtime.closing import Closing
from edge_runtime.errors import SaliedgeError
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.sources.frame_pool import FramePool

__all__ = ["BadImageHandler", "CaptureTime", "Frame", "Source", "SourceStatus"]

BadImageHandler = Callable[[str, SaliedgeError], None]
"""Called with the relative path of an unreadable image and the error, instead of stopping."""


@dataclass(frozen=True)
class CaptureTime:
    """When a frame came into being, on two clocks.

    Attributes:
        monotonic: Seconds of ``time.monotonic()``, for ages and intervals.
        utc: Time of day, for records.
    """

    monotonic: float
    utc: datetime

    @classmethod
    def now(cls) -> CaptureTime:
        """Return the present moment."""
        return cls(time.monotonic(), datetime.now(UTC))

    @classmethod
    def before_now(cls, seconds: float) -> CaptureTime:
        """Return the moment that lies some seconds back."""
        now = cls.now()
        return cls(now.monotonic - seconds, now.utc - timedelta(seconds=seconds))


@dataclass(frozen=True)
class Frame:
    """One picture of a source. The image belongs to whoever holds the frame, until released.

    Attributes:
        image: uint8 ``[H, W, 3]``, RGB.
        source: What it comes from: path relative to the given folder, URL without credentials,
            ``/dev/video0``, ``picamera2:0`` or ``synthetic:...``.
        index: Number of the frame in that source, from 0; a still image is 0.
        captured_at: When it was taken or read.
        stem: Name for files made from it: a relative path with ``/`` and without suffix.
        still: Whether the source is a single image.
        video_seconds: Place in a video by its frame rate; None for a camera and a single image,
            which have no other time than ``captured_at``.
        pool: Where the image's memory goes back to; None if it is simply freed.
    """

    image: NDArray[np.uint8]
    source: str
    index: int
    captured_at: CaptureTime
    stem: str
    still: bool = False
    video_seconds: float | None = None
    pool: FramePool | None = field(default=None, repr=False, compare=False)

    def release(self) -> None:
        """Give the image's memory back; it may be written over from now on. Twice does no harm."""
        if self.pool is not None:
            self.pool.give_back(self.image)

    @property
    def output_stem(self) -> str:
        """Relative path without suffix for this frame's files, unique within its source."""
        return self.stem if self.still else f"{self.stem}-{self.index:06d}"


@dataclass(frozen=True)
class SourceStatus:
    """That a live source was lost, or has come back.

    Attributes:
        state: ``lost`` or ``live``.
        source: Name of the source.
        since: When this state began.
        reason: Why it was lost, one sentence; empty if it is live.
        losses: How often it was lost since the start, this time included.
    """

    state: Literal["live", "lost"]
    source: str
    since: CaptureTime
    reason: str
    losses: int


class Source(Closing):
    """A source of frames: iterate over it once, in the thread that will close it.

    Attributes:
        name: How the source is called in records and messages.
        live: Whether frames that are not taken in time are lost (a camera). Such a source is read
            by a thread of its own, so that the newest frame is always at hand, and is opened
            again if it is lost.
        fps: Nominal frame rate, or None.
    """

    name: str
    live: bool = False
    fps: float | None = None

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames in order.

        Raises:
            SourceError: A camera, video or stream cannot be read any more.
            DataError: An image is damaged and nobody asked to skip it.
        """

    def close(self) -> None:
        """Give back what the source holds. May be called more than once."""
