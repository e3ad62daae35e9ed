"""The weight and bias of one node, and their integers: the one place that training and export ask.

A layer's scale may be computed from its weights or learned; whoever needs it calls
:meth:`Layer.integers`, so that the exported integers are those that were trained with.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from train.quantization.weights import (
    WeightQuantizer,
    bias_steps,
    first_learned_scales,
    learned_weight_steps,
    no_channel_vanishes,
    weight_scales,
    weight_steps,
)

__all__ = ["Layer", "LayerIntegers"]

# A learned step may shrink to this share of its first value, which keeps it positive.
_SMALLEST_GAIN = 1 / 16


@dataclass(frozen=True)
class LayerIntegers:
    """A layer on its grid.

    Attributes:
        weight: float32 ``[O, ...]``, integers; the gradient passes straight through.
        bias: float32 ``[O]``, integers in steps of input scale times ``scale``.
        scale: float32 ``[O]``, real value of one step of the weight, without gradient.
    """

    weight: Tensor
    bias: Tensor
    scale: Tensor


class Layer(nn.Module):
    """Weight ``[O, ...]`` and bias ``[O]`` of one node, float32, learnable.

    With the quantiser ``lsq`` the step of each output channel is learned as a multiple (``gain``)
    of where it began (``first_step``): steps of one layer differ by orders of magnitude once batch
    norm is folded, while each update of Adam has the size of the learning rate.

    Attributes:
        weight: real values.
        bias: real values.
        bits: width of the weight.
        quantizer: how the weight finds its grid.
        first_step: float32 ``[O]``, only with ``lsq``; not learned.
        gain: float32 ``[O]``, only with ``lsq``.
    """

    first_step: Tensor

    def __init__(
        self, weight: Tensor, bias: Tensor, bits: int, quantizer: WeightQuantizer = "max"
    ) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.bits, self.quantizer = bits, quantizer
        self.gain: nn.Parameter | None = None
        if quantizer == "lsq":
            self.register_buffer("first_step", first_learned_scales(weight, bits))
            self.gain = nn.Parameter(torch.ones(len(weight)))

    def integers(self, input_scale: Tensor) -> LayerIntegers:
        """The layer on its grid, for an input whose step is ``input_scale`` (float32 scalar)."""
        weight, scale = self._weight_on_grid()
        return LayerIntegers(weight, bias_steps(self.bias, scale, input_scale), scale)

    @torch.no_grad()
    def rounded_weight(self) -> Tensor:
        """The real values that the integers of the weight stand for, float32."""
        weight, scale = self._weight_on_grid()
        return weight * scale.reshape(-1, *[1] * (weight.dim() - 1))

    def _weight_on_grid(self) -> tuple[Tensor, Tensor]:
        """The integers of the weight, and the scale of each output channel without gradient."""
        if self.gain is not None:
            learned = no_channel_vanishes(self.first_step * self.gain)
            return learned_weight_steps(self.weight, learned, self.bits), learned.detach()
        scale = weight_scales(self.weight, self.bits, self.quantizer)
        return weight_steps(self.weight, scale, self.bits, self.quantizer), scale

    @torch.no_grad()
    def clamp_gain(self) -> None:
        """Keep a learned step positive."""
        if self.gain is not None:
            self.gain.clamp_(min=_SMALLEST_GAIN)
