"""A label that does not flicker: the mean over some time, left only for a clearly better one.

It is for the eye. The label of each frame stays what it is and is recorded as ``label``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CalmLabel", "CalmOptions"]

_MAX_FRAMES = 256


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
        self._times = np.zeros(_MAX_FRAMES)
        self._probabilities: NDArray[np.float64] | None = None
        self._count = 0
        self._shown: int | None = None
        self._latest = -np.inf

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
        if (
            self._probabilities is None
            or self._probabilities.shape[1] != len(probabilities)
            or seconds < self._latest
        ):
            self._probabilities = np.zeros((_MAX_FRAMES, len(probabilities)))
            self._count, self._shown = 0, None
        place = self._count % _MAX_FRAMES
        self._times[place], self._probabilities[place] = seconds, probabilities
        self._count += 1
        self._latest = seconds
        kept = min(self._count, _MAX_FRAMES)
        within = self._times[:kept] > seconds - self._options.window_seconds
        within[place] = True  # also where a window is too short for the clock's digits
        if np.count_nonzero(within) == 1:
            self._shown = None  # nothing else is in the window: what was shown is long past
        means = self._probabilities[:kept][within].mean(axis=0)
        best = int(np.argmax(means))
        if self._shown is None or means[best] > means[self._shown] + self._options.margin:
            self._shown = best
        return self._shown, float(means[self._shown])
