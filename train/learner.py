"""A network that learns: with its optimiser, the average of its weights, and its state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from train.weight_average import WeightAverage

__all__ = ["Learner"]

_MODEL, _OPTIMIZER, _AVERAGE, _KEPT = "model.", "optimizer.", "average.", "kept."
_FOLLOWER = "follower."


class Learner:
    """What one phase trains.

    Attributes:
        model: the network; its weights are those that the last step left.
        optimizer: its groups carry a peak rate.
        average: of the weights over the steps, or None.
        follower: whatever else changes with the steps, or None; only its state is kept here.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        decay: float = 0.0,
        after_step: Callable[[], None] = lambda: None,
        follower: nn.Module | None = None,
    ) -> None:
        """Make a learner.

        Args:
            model: the network.
            optimizer: of its parameters.
            decay: of the average of the weights, see :class:`WeightAverage`; 0 keeps none.
            after_step: called after each step of the optimiser, before the average takes it in.
            follower: whatever else changes with the steps.
        """
        self.model, self.optimizer = model, optimizer
        self.average = WeightAverage(model, decay) if decay else None
        self._after_step, self.follower = after_step, follower
        self._kept: dict[str, Tensor] = {}

    def step(self) -> None:
        """Step the optimiser and take the new weights into the average."""
        self.optimizer.step()
        self._after_step()
        if self.average is not None:
            self.average.update()

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Evaluation mode, with the averaged weights in place if there are any.

        What is validated, measured or saved inside is what the run will keep; afterwards the model
        is as it was, to the bit.
        """
        was_training = self.model.training
        self.model.eval()
        try:
            if self.average is None:
                yield
            else:
                with self.average.applied():
                    yield
        finally:
            self.model.train(was_training)

    def keep(self) -> None:
        """Remember the weights as they are now, for :meth:`return_to_kept`."""
        self._kept = {name: value.clone() for name, value in self.model.state_dict().items()}

    def return_to_kept(self) -> None:
        """Put the remembered weights back; without any, the averaged ones if there are any."""
        if self._kept:
            self.model.load_state_dict(self._kept)
        elif self.average is not None:
            self.average.adopt()

    def tensors(self) -> dict[str, Tensor]:
        """All that :meth:`restore` needs, by name."""
        found = {_MODEL + name: value for name, value in self.model.state_dict().items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            found |= {f"{_OPTIMIZER}{index}.{name}": value for name, value in slots.items()}
        if self.average is not None:
            found |= {_AVERAGE + name: value for name, value in self.average.tensors().items()}
        if self.follower is not None:
            followed = self.follower.state_dict()
            found |= {_FOLLOWER + name: value for name, value in followed.items()}
        return found | {_KEPT + name: value for name, value in self._kept.items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from the tensors of a learner that was made in the same way.

        Raises:
            RuntimeError, KeyError, IndexError: they are of another network.
        """
        self.model.load_state_dict(_with_prefix(tensors, _MODEL))
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in _with_prefix(tensors, _OPTIMIZER).items():
            index, _, slot = name.partition(".")
            like = parameters[int(index)]
            # The memory layout of the parameter, since kernels may round by layout.
            kept = torch.empty_like(like if value.shape == like.shape else value).copy_(value)
            slots.setdefault(int(index), {})[slot] = kept.detach()
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": slots})
        if self.average is not None:
            self.average.restore(_with_prefix(tensors, _AVERAGE))
        if self.follower is not None:
            self.follower.load_state_dict(_with_prefix(tensors, _FOLLOWER))
        self._kept = _with_prefix(tensors, _KEPT)


def _with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
