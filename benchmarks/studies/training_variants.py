"""One training step of each kind, as a run takes it, that can be repeated from the same state."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from train.backbones import build
from train.batches import Batch
from train.config import TrainConfig, resolve
from train.guidance import Guidance
from train.loop.float_phase import NormalizedBackbone, quantization_config
from train.loop.learner import Learner
from train.loop.objectives import FloatObjective, GuidedObjective
from train.loop.optimization import float_optimizer, quantized_optimizer, set_rates
from train.quantization import QuantizedNetwork

__all__ = ["ADDITIONS", "BASE", "LIMITS", "NAMES", "RepeatedStep", "Workload", "make_steps"]

BASE = "float, batch norm in training mode"
_FOLDED = "float, batch norm folded"
_PACT = "PACT"
_GUIDED = "PACT + SGT"
_WITH_L1 = "PACT + SGT + L1 term"
NAMES = (BASE, _FOLDED, _PACT, _GUIDED, _WITH_L1)
ADDITIONS = {
    "quantisation: PACT over the folded float step": (_PACT, _FOLDED),
    "guidance: its two passes and the mask": (_GUIDED, _PACT),
    "L1 term: the double backward pass": (_WITH_L1, _GUIDED),
}
"""What makes a step dearer -> the step with it and the step without."""
LIMITS = {_GUIDED: 2.8, _WITH_L1: 3.8}
"""Step -> largest multiple of the base step that it may cost."""

_CLASSES = 5


@dataclass(frozen=True)
class Workload:
    """What a step is taken on.

    Attributes:
        backbone: a name of ``saliedge train --backbone``; its weights are random, which no kernel
            cares about.
        side: of the square input in pixels; None takes the backbone's recipe.
        images: of one step.
        bits: of weights and activations.
        threads: CPU threads of torch.
    """

    backbone: str = "efficientnet_lite0"
    side: int | None = None
    images: int = 16
    bits: int = 8
    threads: int = 1

    def config(self) -> TrainConfig:
        """The configuration of a run with these steps."""
        network: dict[str, object] = {"backbone": self.backbone, "pretrained": "none"}
        if self.side is not None:
            network |= {"height": self.side, "width": self.side}
        widths = {"activation_bits": self.bits, "weight_bits": self.bits}
        source = {"source": "synthetic:"}
        return resolve({"data": source, "network": network, "quantization": widths})


class RepeatedStep:
    """A step that always starts from the same weights, clips and moments of the optimiser.

    Attributes:
        learner: what it trains.
    """

    def __init__(self, learner: Learner, objective: nn.Module, batch: Batch, norm: float) -> None:
        self.learner, self._objective, self._batch, self._norm = learner, objective, batch, norm
        set_rates(learner.optimizer, 1.0)
        learner.model.train()
        # The first step makes the moments.
        self.take()
        self._fresh = {name: value.clone() for name, value in learner.tensors().items()}

    def reset(self) -> None:
        """Go back to where every step starts."""
        self.learner.restore(self._fresh)

    def take(self) -> None:
        """Forward, backward, clipping of gradients, update: all of a step but its images."""
        with self.learner.autocast():
            loss: Tensor = self._objective(self._batch, 0.0).total
        self.learner.descend(loss, self._norm)


def make_steps(workload: Workload) -> dict[str, RepeatedStep]:
    """The steps by name, the base first, each with a network of its own."""
    config = workload.config()
    generator = torch.Generator().manual_seed(0)
    shape = (workload.images, 3, config.network.height, config.network.width)
    image, noise = (
        torch.randint(0, 256, shape, generator=generator)
        .float()
        .contiguous(memory_format=torch.channels_last)
        for _ in range(2)
    )
    batch = Batch(image, torch.arange(workload.images) % _CLASSES, noise / 255)
    steps = {BASE: _float_step(config, batch)}
    for name in NAMES[1:]:
        weights = Guidance(
            lambda1=1.0 if name in (_GUIDED, _WITH_L1) else 0.0,
            lambda2=1.0 if name == _WITH_L1 else 0.0,
        )
        steps[name] = _folded_step(config, batch, weights, quantize=name != _FOLDED)
    return steps


def _float_step(config: TrainConfig, batch: Batch) -> RepeatedStep:
    torch.manual_seed(0)
    module = build(config.network.backbone, _CLASSES, config.network.pretrained)
    model = NormalizedBackbone(module, config.network).to(memory_format=torch.channels_last)
    learner = Learner(model, float_optimizer(model, config.optimizer))
    return RepeatedStep(learner, FloatObjective(model), batch, config.optimizer.clip_norm)


def _folded_step(
    config: TrainConfig, batch: Batch, guidance: Guidance, *, quantize: bool
) -> RepeatedStep:
    torch.manual_seed(0)
    module = build(config.network.backbone, _CLASSES, config.network.pretrained).eval()
    height, width = batch.image.shape[2:]
    network = QuantizedNetwork.from_model(module, height, width, quantization_config(config))
    network = network.to(memory_format=torch.channels_last)
    network.calibrate([batch.image])
    network.quantize = quantize
    for alpha in network.alpha_parameters():
        alpha.requires_grad_(quantize)
    objective = GuidedObjective(network, guidance, eta=config.quantization.eta)
    learner = Learner(
        network,
        quantized_optimizer(network, config.optimizer),
        after_step=network.clamp_ranges,
        follower=objective.threshold,
    )
    return RepeatedStep(learner, objective, batch, config.optimizer.clip_norm)
