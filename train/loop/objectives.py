"""The losses of the two phases as modules: one forward pass from a batch to its loss.

So whatever wraps a module (data-parallel training does) sees all that the loss needs.
"""

from __future__ import annotations

from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor, nn

from train.batches import Batch
from train.guidance import Guidance, LossTerms, guided_loss
from train.loop.adaptive_threshold import AdaptiveThreshold
from train.quantization import QuantizedNetwork
from train.step_parts import Part, part

__all__ = ["FloatObjective", "GuidedObjective", "ramp_factor"]


class FloatObjective(nn.Module):
    """Cross entropy of a float network."""

    def __init__(self, model: nn.Module, class_weights: Tensor | None = None) -> None:
        """Make the loss.

        Args:
            model: from byte values to logits.
            class_weights: float32 ``[C]`` of the cross entropy, or None for one each.
        """
        super().__init__()
        self.model, self._class_weights = model, class_weights

    def forward(self, batch: Batch, progress: float) -> LossTerms:
        """The loss of one batch; ``progress`` is not asked for."""
        with part(Part.CLEAN_PASS):
            # Autocast gives them in its own format.
            logits = self.model(batch.image).to(batch.image.dtype)
        cross_entropy = F.cross_entropy(logits, batch.label, weight=self._class_weights)
        cross_entropy = cross_entropy * batch.share.weight
        zero = logits.new_zeros(())
        return LossTerms(cross_entropy, cross_entropy, zero, zero, zero, logits)

    def step_done(self, divergence: float) -> None:
        """Nothing here follows the training."""


class GuidedObjective(nn.Module):
    """The saliency-guided loss of a folded network, see :func:`guided_loss`."""

    def __init__(
        self,
        network: QuantizedNetwork,
        guidance: Guidance,
        *,
        eta: float,
        ramp: float = 0.0,
        class_weights: Tensor | None = None,
    ) -> None:
        """Make the loss.

        Args:
            network: float or fake-quantised.
            guidance: weights and choices.
            eta: weight of PACT's penalty.
            ramp: share of the phase over which lambda1 rises, see :func:`ramp_factor`.
            class_weights: float32 ``[C]`` of the cross entropy, or None for one each.
        """
        super().__init__()
        self.network, self._guidance, self._eta, self._ramp = network, guidance, eta, ramp
        self._class_weights = class_weights
        self.threshold = AdaptiveThreshold(guidance.epsilon, guidance.target)

    def forward(self, batch: Batch, progress: float) -> LossTerms:
        """The loss of one batch, ``progress`` (0 to 1) of the phase's steps being done."""
        lambda1 = self._guidance.lambda1 * ramp_factor(progress, self._ramp)
        return guided_loss(
            self.network,
            batch.image,
            batch.label,
            replace(self._guidance, lambda1=lambda1, epsilon=self.threshold.epsilon),
            noise=batch.noise,
            eta=self._eta,
            class_weights=self._class_weights,
            share=batch.share,
        )

    def step_done(self, divergence: float) -> None:
        """Let an adaptive threshold follow the divergence of a step, the mean over its images."""
        if self._guidance.threshold == "adaptive":
            self.threshold.update(divergence)


def ramp_factor(progress: float, ramp: float) -> float:
    """Share of a weight that rises linearly to its full size within a share ``ramp`` of a phase.

    A network that was never guided answers masked images at random: the divergence starts at the
    logarithm of the number of classes or above, and its gradient outweighs that of the labels.
    """
    return min(1.0, progress / ramp) if ramp > 0 else 1.0
