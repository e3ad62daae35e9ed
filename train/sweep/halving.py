"""Ending bad trials early: asynchronous successive halving (ASHA, arXiv 1810.05934).

In its stopping form: nobody waits for anybody. At each rung, which are the epochs ``grace``,
``grace * reduction``, ``grace * reduction^2`` and so on, a trial goes on if it is among the best
``1 / reduction`` of those that have come to this rung so far, itself included. The first
``reduction - 1`` trials to come to a rung go on in any case.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from edge_runtime.errors import UsageError

__all__ = ["Halving", "HalvingState"]


@dataclass(frozen=True)
class Halving:
    """Its settings.

    Attributes:
        grace: epochs, of both phases together, that every trial is given.
        reduction: one of so many goes on at each rung.
    """

    grace: int
    reduction: int = 3

    def __post_init__(self) -> None:
        if self.grace < 1 or self.reduction < 2:
            raise UsageError(
                "halving needs a grace of 1 epoch or more, and a reduction of 2 or more."
            )

    def is_rung(self, epoch: int) -> bool:
        """Whether trials are judged after this epoch, counted from 1."""
        rung = self.grace
        while rung < epoch:
            rung *= self.reduction
        return rung == epoch


@dataclass
class HalvingState:
    """What the rungs have seen.

    Attributes:
        settings: of the halving.
        rungs: epoch to goodness by trial.
    """

    settings: Halving
    rungs: dict[int, dict[str, float]] = field(default_factory=dict)

    def goes_on(self, trial: str, epoch: int, goodness: float) -> bool:
        """Note a trial's figure and say whether it goes on; always so between the rungs.

        Args:
            trial: its identity; a trial that comes again counts once.
            epoch: finished, counted from 1.
            goodness: larger is better.
        """
        if not self.settings.is_rung(epoch):
            return True
        seen = self.rungs.setdefault(epoch, {})
        seen[trial] = goodness
        if len(seen) < self.settings.reduction:
            return True
        allowed = math.ceil(len(seen) / self.settings.reduction)
        return goodness >= sorted(seen.values(), reverse=True)[allowed - 1]
