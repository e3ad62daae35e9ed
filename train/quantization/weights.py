"""Weights on their integer grid: symmetric, one scale for each output channel, straight-through.

Quantisers:

1. ``max``: the largest magnitude lies on the end of the grid; nothing is clipped.
2. ``sawb``: below 8 bit, the end of the grid follows from the first and second moment of the
   weights (statistics-aware weight binning; Choi et al., arXiv 1807.06964), so that the bulk gets
   finer steps and few large weights are clipped. 2 bit then means {-3, -1, 1, 3} thirds of it.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from train.quantization.fake_quantize import activation_levels

__all__ = [
    "WEIGHT_QUANTIZERS",
    "WeightQuantizer",
    "bias_steps",
    "weight_levels",
    "weight_scales",
    "weight_steps",
]

WeightQuantizer = Literal["max", "sawb"]
WEIGHT_QUANTIZERS: tuple[WeightQuantizer, ...] = ("max", "sawb")
_SMALLEST_CHANNEL = 1e-4
# End of the grid = first * root mean square + second * mean magnitude: the paper's regression over
# six distributions, for 15 levels (4 bit) and for 4 levels without zero (2 bit).
_SAWB = {4: (12.035, -12.03), 2: (3.12, -2.064)}


def weight_levels(bits: int, quantizer: WeightQuantizer) -> int:
    """The largest integer of a weight: ``2^(k-1) - 1``, but 3 for the odd grid of 2-bit SAWB."""
    return 3 if _is_odd(bits, quantizer) else activation_levels(bits, signed=True)


def weight_scales(weight: Tensor, bits: int, quantizer: WeightQuantizer = "max") -> Tensor:
    """The scale of each output channel, in front of the grid of :func:`weight_steps`.

    Args:
        weight: float32 ``[O, ...]``.
        bits: width k.
        quantizer: see above; 8 bit is always ``max``.

    Returns:
        float32 ``[O]``, positive. A channel far below the layer's largest (batch norm folded with a
        vanishing gamma leaves such) keeps a ten-thousandth of that one's scale: its bias, in steps
        of input scale times weight scale, must fit 32 bits.
    """
    values = weight.detach().reshape(len(weight), -1)
    end = values.abs().amax(dim=1)
    if quantizer == "sawb" and bits in _SAWB:
        first, second = _SAWB[bits]
        size = values.square().mean(dim=1).sqrt()
        # The regression is made for many weights; the nine of a depthwise channel may be anything.
        end = torch.clamp(first * size + second * values.abs().mean(dim=1), min=size, max=end)
    scale = end / weight_levels(bits, quantizer)
    floor = torch.clamp(scale.max() * _SMALLEST_CHANNEL, min=1e-10)
    return torch.maximum(scale, floor)


def weight_steps(
    weight: Tensor, scale: Tensor, bits: int, quantizer: WeightQuantizer = "max"
) -> Tensor:
    """The integers of a weight; the gradient passes as if they were ``weight / scale``.

    Args:
        weight: float32 ``[O, ...]``.
        scale: float32 ``[O]`` of :func:`weight_scales`.
        bits: width k.
        quantizer: see above.

    Returns:
        float32 ``[O, ...]``, integers of magnitude up to :func:`weight_levels`.
    """
    per_channel = scale.reshape(-1, *[1] * (weight.dim() - 1))
    levels = weight_levels(bits, quantizer)
    steps: Tensor = _Steps.apply(weight, per_channel, levels, _is_odd(bits, quantizer))
    return steps


def bias_steps(bias: Tensor, weight_scale: Tensor, input_scale: Tensor) -> Tensor:
    """The integers of a bias ``[O]`` in steps of input scale times weight scale, straight-through.

    A float32 holds them to 24 bits; the files get the very same numbers as int32.
    """
    steps: Tensor = _Steps.apply(bias, weight_scale * input_scale, None, False)
    return steps


def _is_odd(bits: int, quantizer: WeightQuantizer) -> bool:
    return quantizer == "sawb" and bits == 2


class _Steps(torch.autograd.Function):
    """Divide, round to a whole or odd number and clip; the gradient passes all but the division."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, step: Tensor, levels: int | None, odd: bool) -> Tensor:
        ctx.save_for_backward(step)
        steps = torch.div(values, step)
        steps = steps.div_(2).floor_().mul_(2).add_(1) if odd else steps.round_()
        return steps if levels is None else steps.clamp_(-levels, levels)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        (step,) = ctx.saved_tensors
        return gradient / step, None, None, None
