"""Where running trials report to: one small actor beside the command that started them.

It knows which attempt at a trial is the current one. A worker that was given up and comes back
after its trial was begun elsewhere is told so at its next epoch, and leaves the run alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from train.sweep.halving import Halving, HalvingState
from train.sweep.metric import Metric
from train.sweep.records import EpochFigures

__all__ = ["Board", "Verdict"]

Verdict = Literal["go on", "stop", "superseded"]


class Board:
    """Takes the figures of epochs and says whether a trial goes on.

    Attributes:
        current: trial to its current attempt, from 1.
        figures: trial to the figures of its epochs, by epoch.
    """

    def __init__(
        self,
        metric: Metric,
        halving: Halving | None,
        known: Mapping[str, tuple[EpochFigures, ...]],
    ) -> None:
        """Begin with the trials that are over, which the rungs of halving have seen.

        Args:
            metric: what is chosen by.
            halving: how bad trials are ended, or None.
            known: the histories of trials that are over.
        """
        self._metric = metric
        self._halving = HalvingState(halving) if halving else None
        self.current: dict[str, int] = {}
        self.figures: dict[str, dict[int, EpochFigures]] = {}
        self._stopped: dict[str, int] = {}
        for name, history in known.items():
            for epoch in history:
                self._note(name, epoch)

    def begin(self, trial: str) -> int:
        """Number of a new attempt, which takes the place of any before it."""
        self.current[trial] = self.current.get(trial, 0) + 1
        return self.current[trial]

    def report(self, trial: str, attempt: int, epoch: EpochFigures, is_last: bool) -> Verdict:
        """Take the figures of an epoch.

        Args:
            trial: its name.
            attempt: of the worker.
            epoch: the figures; those of an epoch that was reported before do not count again.
            is_last: whether nothing is left to be saved by a stop.
        """
        if attempt != self.current.get(trial):
            return "superseded"
        if epoch.epoch not in self.figures.get(trial, {}):
            goes_on = self._note(trial, epoch)
            if not goes_on and not is_last:
                self._stopped[trial] = epoch.epoch
        return "stop" if self._stopped.get(trial) == epoch.epoch else "go on"

    def progress(self) -> dict[str, EpochFigures]:
        """The last epoch of each trial that has reported."""
        return {name: epochs[max(epochs)] for name, epochs in self.figures.items()}

    def _note(self, trial: str, epoch: EpochFigures) -> bool:
        self.figures.setdefault(trial, {})[epoch.epoch] = epoch
        if self._halving is None:
            return True
        goodness = self._metric.goodness(getattr(epoch, self._metric.name))
        return self._halving.goes_on(trial, epoch.epoch, goodness)
