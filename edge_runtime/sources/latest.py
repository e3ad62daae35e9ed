"""Between a camera and the loop: a slot for the latest frame, never a queue.

A queue in front of a slower consumer only shows the past. Here a capturing thread overwrites the
slot, and every frame that nobody took is counted as dropped.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator

from edge_runtime.sources.base import Frame, Source

__all__ = ["FrameFeed", "LatestFrame"]

_POLL_SECONDS = 0.1
_JOIN_SECONDS = 3.0


class LatestFrame:
    """A slot that holds the newest frame. One thread puts, one takes.

    Attributes:
        dropped: Frames that were overwritten before anybody took them.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._condition = threading.Condition()
        self._frame: Frame | None = None
        self._ended = False
        self._error: BaseException | None = None

    def put(self, frame: Frame) -> None:
        """Replace what is in the slot."""
        with self._condition:
            if self._frame is not None:
                self.dropped += 1
            self._frame = frame
            self._condition.notify()

    def end(self, error: BaseException | None = None) -> None:
        """Say that no more frames come, and why if it is a failure."""
        with self._condition:
            self._ended, self._error = True, error
            self._condition.notify()

    def take(self, timeout: float) -> Frame | None:
        """Return the newest frame and empty the slot.

        Returns:
            None after ``timeout`` seconds without a frame, or when there are no more.

        Raises:
            BaseException: The error with which the frames ended, after the last one was taken.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._frame is not None or self._ended, timeout)
            frame, self._frame = self._frame, None
            if frame is None and self._error is not None:
                raise self._error
            return frame

    @property
    def ended(self) -> bool:
        """Whether no frame is left and none will come."""
        with self._condition:
            return self._ended and self._frame is None


class FrameFeed:
    """The frames of a source for one loop: all of a file's, the latest of a camera's.

    A live source is read and closed by a thread of its own; any other in the loop's thread, frame
    by frame as they are wanted.

    Args:
        source: An opened source; the feed closes it.
        stopping: Set by anybody to end the iteration, also while a camera gives nothing.
    """

    def __init__(self, source: Source, stopping: threading.Event) -> None:
        self._source = source
        self._stopping = stopping
        self._slot = LatestFrame()
        self.capture_seconds = 0.0
        """Time that the last frame took to read and decode, or that was waited for it."""

    @property
    def dropped(self) -> int:
        """Frames of a live source that were never taken."""
        return self._slot.dropped

    @property
    def name(self) -> str:
        """Name of the source."""
        return self._source.name

    @property
    def stopped(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stopping.is_set()

    def __iter__(self) -> Generator[Frame, None, None]:
        """Yield frames until the source ends or ``stopping`` is set."""
        frames = self._live_frames() if self._source.live else self._all_frames()
        with contextlib.closing(frames):
            while True:
                start = time.perf_counter()
                frame = next(frames, None)
                self.capture_seconds = time.perf_counter() - start
                if frame is None or self._stopping.is_set():
                    return
                yield frame

    def _all_frames(self) -> Generator[Frame, None, None]:
        with self._source:
            yield from self._source

    def _live_frames(self) -> Generator[Frame, None, None]:
        ended = threading.Event()
        thread = threading.Thread(target=self._capture, args=(ended,), daemon=True, name="capture")
        thread.start()
        try:
            while not self._stopping.is_set():
                frame = self._slot.take(_POLL_SECONDS)
                if frame is not None:
                    yield frame
                elif self._slot.ended:
                    self._slot.take(0)  # raises if the source failed since
                    return
        finally:
            ended.set()
            # A camera that hangs in its driver is left to the end of the process.
            thread.join(_JOIN_SECONDS)

    def _capture(self, ended: threading.Event) -> None:
        try:
            with self._source:
                for frame in self._source:
                    if ended.is_set():
                        break
                    self._slot.put(frame)
        except BaseException as error:
            self._slot.end(error)
        else:
            self._slot.end()
