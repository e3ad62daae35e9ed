"""Between a camera and the loop: a slot for the latest frame, never a queue.

A queue in front of a slower consumer only shows the past. Here a capturing thread overwrites the
slot, and every frame that nobody took is counted as dropped and given back.
"""

from __future__ import annotations

import threading

from edge_runtime.sources.base import Frame

__all__ = ["LatestFrame"]


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
            previous, self._frame = self._frame, frame
            if previous is not None:
                self.dropped += 1
            self._condition.notify()
        if previous is not None:
            previous.release()

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
