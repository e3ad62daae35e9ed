"""An exponential moving average of weights: steadier than the weights of any one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["WeightAverage"]

_UPDATES = "updates"
_WEIGHTS = "weights."


class WeightAverage:
    """Averages parameters (clips among them) and buffers such as the statistics of batch norm.

    After step t the average moves by ``1 - d`` towards the weights, with ``d = min(decay, (1 + t) /
    (10 + t))``: a run of a few steps would otherwise keep the weights that it started from. Polyak
    and Juditsky, "Acceleration of stochastic approximation by averaging", 1992, is why the average
    may be better than its last term.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Start from the weights that ``model`` has now.

        Args:
            model: whose weights are averaged; its tensors must stay the same objects.
            decay: within 0 and 1; the average reaches back about ``1 / (1 - decay)`` steps.
        """
        self._decay, self._updates = decay, 0
        # Of the state's names, so that a shared tensor is averaged once for each.
        self._live = dict(model.state_dict(keep_vars=True))
        self._average = {name: value.detach().clone() for name, value in self._live.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights of one more step."""
        self._updates += 1
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        for name, value in self._live.items():
            if value.is_floating_point():
                self._average[name].mul_(decay).add_(value, alpha=1 - decay)
            else:
                self._average[name].copy_(value)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """While active, the model has the averaged weights."""
        saved = {name: value.detach().clone() for name, value in self._live.items()}
        self.adopt()
        try:
            yield
        finally:
            self._copy(saved)

    def adopt(self) -> None:
        """Give the model the averaged weights for good."""
        self._copy(self._average)

    def tensors(self) -> dict[str, Tensor]:
        """What :meth:`restore` needs."""
        weights = {_WEIGHTS + name: value for name, value in self._average.items()}
        return {_UPDATES: torch.tensor(self._updates), **weights}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from an earlier average.

        Raises:
            KeyError: a tensor is missing.
        """
        self._updates = int(tensors[_UPDATES])
        for name, value in self._average.items():
            value.copy_(tensors[_WEIGHTS + name])

    @torch.no_grad()
    def _copy(self, values: Mapping[str, Tensor]) -> None:
        for name, value in self._live.items():
            value.copy_(values[name])
