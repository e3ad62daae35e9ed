"""Where a run is and how long it still takes, over both of its phases."""

from __future__ import annotations

import time
from collections.abc import Callable

from train.config import TrainConfig

__all__ = ["RunClock", "duration"]

_MINUTE, _HOUR = 60, 3600

# Steps of EfficientNet-Lite0 in plain float steps, see docs/results/training-step.md. Only the
# guess of a second phase that has not begun rests on them.
_FOLDED, _QUANTIZATION, _GUIDANCE, _L1_TERM = 0.85, 0.15, 1.4, 0.8


class RunClock:
    """Seconds that are left, from those that the epochs of this process took.

    What lies between the epochs of a phase, such as validation, counts for them.
    """

    def __init__(self, config: TrainConfig, now: Callable[[], float] = time.monotonic) -> None:
        """Make a clock.

        Args:
            config: of the run.
            now: seconds that pass.
        """
        optimizer, guidance = config.optimizer, config.guidance.effective
        self._first = optimizer.epochs_float
        self._total = optimizer.epochs_float + optimizer.epochs
        self._may_end_early = optimizer.patience > 0
        self._cost = (
            _FOLDED
            + _QUANTIZATION * config.quantization.enabled
            + _GUIDANCE * (guidance.lambda1 > 0)
            + _L1_TERM * (guidance.lambda2 > 0)
        )
        self._now = now
        self._began: dict[bool, tuple[float, int]] = {}

    def begin(self, epoch: int) -> None:
        """An epoch begins, counted from 0 over both phases."""
        self._began.setdefault(epoch < self._first, (self._now(), epoch))

    def place(self, epoch: int, phase: str) -> str:
        """An epoch for people, as ``epoch 34/36, quantised``.

        Args:
            epoch: counted over both phases, from 1, as in the log.
            phase: its name.
        """
        return f"epoch {epoch}/{self._total}, {phase}"

    def left(self, epochs_done: float) -> float | None:
        """Seconds to the end of the run; None before anything was done.

        Args:
            epochs_done: counted over both phases, with the part of the running one.
        """
        in_first = epochs_done <= self._first
        began, since = self._began[in_first]
        if epochs_done == since:
            return None
        of_epoch = (self._now() - began) / (epochs_done - since)
        if not in_first:
            return of_epoch * (self._total - epochs_done)
        second = self._cost * (self._total - self._first)
        return of_epoch * (self._first - epochs_done + second)

    def words(self, epochs_done: int) -> str:
        """What is left after whole epochs, to be put behind a line; empty at the end."""
        left = self.left(epochs_done)
        if not left:
            return ""
        return f"  {'at most ' if self._may_end_early else ''}{duration(left)} left"


def duration(seconds: float) -> str:
    """Seconds for people: ``50 s``, ``7 min``, ``2 h 05 min``."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    hours, minutes = divmod(round(seconds / _MINUTE), 60)
    return f"{hours} h {minutes:02d} min"
