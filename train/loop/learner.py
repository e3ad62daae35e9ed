"""A network that learns: with its optimiser, the average of its weights, and its state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from train.loop.optimization import clip_gradients
from train.loop.weight_average import WeightAverage
from train.step_parts import Part, part

__all__ = ["Learner"]

_MODEL, _OPTIMIZER, _AVERAGE, _KEPT = "model.", "optimizer.", "average.", "kept."
_FOLLOWER, _SCALER = "follower.", "scaler."
# What changes of a scaler of gradients.
_SCALING = ("scale", "_growth_tracker")


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
        autocast: torch.dtype | None = None,
    ) -> None:
        """Make a learner.

        Args:
            model: the network.
            optimizer: of its parameters.
            decay: of the average of the weights, see :class:`WeightAverage`; 0 keeps none.
            after_step: called after each step of the optimiser, before the average takes it in.
            follower: whatever else changes with the steps.
            autocast: format that :meth:`autocast` multiplies in; None is float32. The gradients of
                float16, whose range is small, are scaled up for the backward pass.
        """
        self.model, self.optimizer = model, optimizer
        self._device = next(model.parameters()).device.type
        self._autocast = autocast
        self._scaler = torch.GradScaler(self._device, enabled=autocast == torch.float16)
        self.average = WeightAverage(model, decay) if decay else None
        self._after_step, self.follower = after_step, follower
        self._kept: dict[str, Tensor] = {}

    def autocast(self) -> torch.autocast:
        """Where the forward pass is to run."""
        return torch.autocast(self._device, self._autocast, enabled=self._autocast is not None)

    def descend(self, loss: Tensor, clip_norm: float) -> None:
        """One step down the gradient of a loss; none where a scaled gradient overflows.

        Args:
            loss: scalar, from a forward pass under :meth:`autocast`.
            clip_norm: largest norm of the gradient, see :func:`clip_gradients`.
        """
        self.optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        with part(Part.UPDATE):
            self._scaler.unscale_(self.optimizer)
            clip_gradients(self.optimizer, clip_norm)
            self._scaler.step(self.optimizer)
            self._scaler.update()
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
        scaling = self._scaler.state_dict()
        found |= {_SCALER + name: torch.tensor(scaling[name]) for name in _SCALING if scaling}
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
        if self._scaler.is_enabled():
            scaling = _with_prefix(tensors, _SCALER)
            values = {name: scaling[name].item() for name in _SCALING}
            self._scaler.load_state_dict(self._scaler.state_dict() | values)
        self._kept = _with_prefix(tensors, _KEPT)


def _with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
