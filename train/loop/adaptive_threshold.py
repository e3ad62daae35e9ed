"""The threshold below which saliency counts as unimportant, moved by what the network bears.

A fixed share k asks the same of an image with one small lesion and of one that is all evidence. The
adaptive threshold asks for a result instead: that clean and masked images are told apart by no more
than a target divergence. With the divergence D_t of step t, equation (C) of
:mod:`train.guidance`,

    eps_(t+1) = eps_t exp(rate clip((target - D_t) / target, -1, 1)),   0.01 <= eps <= 4

so that more is masked while the network can do without it, and less as soon as it cannot.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["AdaptiveThreshold"]

_RATE = 0.05
_LOWEST, _HIGHEST = 0.01, 4.0


class AdaptiveThreshold(nn.Module):
    """Holds epsilon, in a buffer, so that it is kept with the state of a run."""

    value: Tensor

    def __init__(self, epsilon: float, target: float) -> None:
        """Start at ``epsilon`` times the map's mean; ``target`` is in nats, above zero."""
        super().__init__()
        self._target = target
        self.register_buffer("value", torch.tensor(epsilon, dtype=torch.float64))

    @property
    def epsilon(self) -> float:
        """The threshold as a multiple of the map's mean."""
        return float(self.value)

    def update(self, divergence: float) -> None:
        """Move by the divergence of one step, the mean over its images, in nats."""
        error = max(-1.0, min(1.0, (self._target - divergence) / self._target))
        moved = self.epsilon * math.exp(_RATE * error)
        self.value.fill_(max(_LOWEST, min(_HIGHEST, moved)))
