"""Picture buffers that go round between a source and whoever is done with a frame."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

__all__ = ["FramePool"]

_KEPT = 4


class FramePool:
    """Lends buffers of the size that the source has now, and takes them back.

    A buffer that nobody gives back is simply lost to the pool, which then makes another, so that
    giving back is a saving and never a duty. For any number of threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: list[NDArray[np.uint8]] = []
        # By identity, since a picture given back twice must not be lent to two frames at once.
        self._lent: dict[int, NDArray[np.uint8]] = {}

    def take(self, height: int, width: int) -> NDArray[np.uint8]:
        """Return a buffer of any content, uint8 ``[height, width, 3]``, C-contiguous."""
        shape = (height, width, 3)
        with self._lock:
            while self._free:
                buffer = self._free.pop()
                if buffer.shape == shape:
                    break
            else:
                buffer = np.empty(shape, dtype=np.uint8)
            if len(self._lent) >= _KEPT:
                # Whoever holds this one keeps it; it will not come back.
                self._lent.pop(next(iter(self._lent)))
            self._lent[id(buffer)] = buffer
            return buffer

    def give_back(self, buffer: NDArray[np.uint8]) -> None:
        """Take a buffer back, to be written over; one that is not lent is left alone."""
        with self._lock:
            if self._lent.get(id(buffer)) is buffer:
                self._free.append(self._lent.pop(id(buffer)))
