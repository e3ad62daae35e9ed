"""A label that does not flicker: the mean over some time, left only for a clearly better one.

It is for the eye. The label of each frame stays what it is and is recorded as ``label``.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from edge_runtime.quick_dataclass import dataclass

__all__ = ["CalmLabel", "CalmOptions"]

_MAX_FRAMES = 256
_ROWS = 4 * _MAX_FRAMES


@dataclass(frozen=True)
class CalmOptions:
    """How calm a label is.

    Attributes:
        window_seconds: Frames of this time back are averaged; 0 for every frame's own label.
        margin: By how much another class's mean probability must be above that of the shown one
            before it takes its place (hysteresis), 0 to 1.
    """

    window_seconds: float = 1.0
    margin: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.window_seconds <= 3600:
            raise ValueError("the window must be 0 to 3600 seconds")
        if not 0 <= self.margin <= 1:
            raise ValueError("the margin must be 0 to 1")


class CalmLabel:
    """The class to show for a stream of frames.

    Only the latest 256 frames of the window count, which bounds memory and time for each frame.

    Examples:
        >>> import numpy as np
        >>> calm = CalmLabel(CalmOptions(window_seconds=1.0, margin=0.1))
        >>> calm.update(np.array([0.75, 0.25]), seconds=0.0)
        (0, 0.75)
        >>> calm.update(np.array([0.25, 0.75]), seconds=0.1)  # one frame does not change it
        (0, 0.5)
        >>> calm.update(np.array([0.0, 1.0]), seconds=0.2)
        (1, 0.6666666666666666)
    """

    def __init__(self, options: CalmOptions | None = None) -> None:
        self._options = options or CalmOptions()
        # When each frame of the window was taken, and their probabilities as a run of rows: it
        # moves down the array and back to its top when it reaches the end.
        self._times: deque[float] = deque()
        self._rows: NDArray[np.float64] | None = None
        self._end = 0
        self._shown: int | None = None

    def update(self, probabilities: NDArray[np.float64], seconds: float) -> tuple[int, float]:
        """Take a frame and return the index of the class to show and its mean probability.

        Args:
            probabilities: ``[C]``.
            seconds: When the frame was taken, on any clock that only goes forward. One that goes
                back, or another number of classes, begins anew.
        """
        if self._options.window_seconds == 0:
            top = int(np.argmax(probabilities))
            return top, float(probabilities[top])
        window = self._take(probabilities, seconds)
        if len(window) == 1:
            self._shown = None  # nothing else is in the window: what was shown is long past
        means = np.add.reduce(window, axis=0) / len(window)
        best = int(means.argmax())
        if self._shown is None or means[best] > means[self._shown] + self._options.margin:
            self._shown = best
        return self._shown, float(means[self._shown])

    def _take(self, probabilities: NDArray[np.float64], seconds: float) -> NDArray[np.float64]:
        """Add a frame, forget those that have left the window, and return its rows ``[N, C]``."""
        times, rows = self._times, self._rows
        if rows is None or rows.shape[1] != len(probabilities) or (times and seconds < times[-1]):
            self._rows = rows = np.zeros((_ROWS, len(probabilities)))
            times.clear()
            self._end, self._shown = 0, None
        while times and (
            times[0] <= seconds - self._options.window_seconds or len(times) == _MAX_FRAMES
        ):
            times.popleft()
        if self._end == _ROWS:
            kept = len(times)
            rows[:kept] = rows[_ROWS - kept :]
            self._end = kept
        rows[self._end] = probabilities
        self._end += 1
        times.append(seconds)
        return rows[self._end - len(times) : self._end]
