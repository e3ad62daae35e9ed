"""Weights on their integer grid: symmetric, one scale for each output channel, straight-through.

Quantisers:

1. ``max``: the largest magnitude lies on the end of the grid; nothing is clipped.
2. ``sawb``: below 8 bit, the end of the grid follows from the first and second moment of the
   weights (statistics-aware weight binning; Choi et al., arXiv 1807.06964), so that the bulk gets
   finer steps and few large weights are clipped. 2 bit then means {-3, -1, 1, 3} thirds of it.
3. ``lsq``: the step itself is learned (learned step size quantisation; Esser et al., arXiv
   1902.08153), at 8 bit too. Its forward (eq. 1 and 2) is ``clip(round(w / s), -Q, Q) s``; the
   gradient for the step (eq. 3) is ``round(w / s) - w / s`` inside the grid and -Q or Q where a
   weight is clipped, times ``1 / sqrt(N Q)`` (section 2.2); the gradient for the weight (eq. 5) is
   1 inside and 0 outside. Q is :func:`weight_levels` and N the weights of the channel.
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
    "first_learned_scales",
    "learned_weight_steps",
    "no_channel_vanishes",
    "weight_levels",
    "weight_scales",
    "weight_steps",
]

WeightQuantizer = Literal["max", "sawb", "lsq"]
WEIGHT_QUANTIZERS: tuple[WeightQuantizer, ...] = ("max", "sawb", "lsq")
_SMALLEST_CHANNEL = 1e-4
_CANDIDATES = 64
# End of the grid = first * root mean square + second * mean magnitude: the paper's regression over
# six distributions, for 15 levels (4 bit) and for 4 levels without zero (2 bit).
_SAWB = {4: (12.035, -12.03), 2: (3.12, -2.064)}


def weight_levels(bits: int, quantizer: WeightQuantizer) -> int:
    """The largest integer of a weight: ``2^(k-1) - 1``, but 3 for the odd grid of 2-bit SAWB.

    Examples:
        >>> weight_levels(8, "max"), weight_levels(4, "sawb"), weight_levels(2, "sawb")
        (127, 7, 3)
    """
    return 3 if _is_odd(bits, quantizer) else activation_levels(bits, signed=True)


def weight_scales(weight: Tensor, bits: int, quantizer: WeightQuantizer = "max") -> Tensor:
    """The scale of each output channel, in front of the grid of :func:`weight_steps`.

    Args:
        weight: float32 ``[O, ...]``.
        bits: width k.
        quantizer: ``max`` or ``sawb``; 8 bit is always ``max``.

    Returns:
        float32 ``[O]``, positive, see :func:`no_channel_vanishes`.

    Examples:
        >>> weight = torch.tensor([[0.5, -1.0], [0.25, 0.0]])  # [O, I]
        >>> weight_scales(weight, bits=8) * 127
        tensor([1.0000, 0.2500])
    """
    values = weight.detach().reshape(len(weight), -1)
    end = values.abs().amax(dim=1)
    if quantizer == "sawb" and bits in _SAWB:
        first, second = _SAWB[bits]
        size = values.square().mean(dim=1).sqrt()
        # The regression is made for many weights; the nine of a depthwise channel may be anything.
        end = torch.clamp(first * size + second * values.abs().mean(dim=1), min=size, max=end)
    return no_channel_vanishes(end / weight_levels(bits, quantizer))


def first_learned_scales(weight: Tensor, bits: int) -> Tensor:
    """Where ``lsq`` starts: the step of each channel with the least squared rounding error.

    The paper starts at ``2 mean|w| / sqrt(Q)`` (section 2.1), which takes the bell curve of a large
    filter for granted. Depthwise filters have nine weights and 8-bit grids need none cut off, so
    the step is searched for instead, among 64 shares of that of ``max``.

    Args:
        weight: float32 ``[O, ...]``.
        bits: width k.

    Returns:
        float32 ``[O]``, positive.
    """
    levels = weight_levels(bits, "lsq")
    values = weight.detach().reshape(len(weight), -1)
    largest = (values.abs().amax(dim=1, keepdim=True) / levels).clamp_(min=1e-10)
    best, least = largest, torch.full_like(largest, float("inf"))
    for number in range(_CANDIDATES, 0, -1):
        step = largest * (number / _CANDIDATES)
        rounded = torch.div(values, step).round_().clamp_(-levels, levels).mul_(step)
        error = (rounded - values).square_().mean(dim=1, keepdim=True)
        best, least = torch.where(error < least, step, best), torch.minimum(error, least)
    return no_channel_vanishes(best[:, 0])


def no_channel_vanishes(scale: Tensor) -> Tensor:
    """Scales ``[O]``, each at least a ten-thousandth of the layer's largest.

    Batch norm folded with a vanishing gamma leaves channels of next to nothing; their bias, in
    steps of input scale times weight scale, must still fit 32 bits.
    """
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

    Examples:
        >>> import torch
        >>> weight = torch.tensor([[1.27, -0.5], [0.02, 0.0]])  # [O, I]
        >>> scale = weight_scales(weight, bits=8)  # the largest of each channel is 127 steps
        >>> weight_steps(weight, scale, bits=8).int().tolist()
        [[127, -50], [127, 0]]
    """
    per_channel = scale.reshape(-1, *[1] * (weight.dim() - 1))
    levels = weight_levels(bits, quantizer)
    steps: Tensor = _Steps.apply(weight, per_channel, levels, _is_odd(bits, quantizer))
    return steps


def learned_weight_steps(weight: Tensor, scale: Tensor, bits: int) -> Tensor:
    """The integers of a weight on a learned grid, with the gradients of ``lsq`` (see above).

    As everywhere here the gradient that comes in is that of the steps, one ``scale`` times that of
    the real weight.

    Args:
        weight: float32 ``[O, ...]``.
        scale: float32 ``[O]``, positive, learnable.
        bits: width k.

    Returns:
        float32 ``[O, ...]``, integers of magnitude up to :func:`weight_levels`.
    """
    per_channel = scale.reshape(-1, *[1] * (weight.dim() - 1))
    steps: Tensor = _LearnedSteps.apply(weight, per_channel, weight_levels(bits, "lsq"))
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


class _LearnedSteps(torch.autograd.Function):
    """LSQ of a weight, eq. 1 to 5."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, step: Tensor, levels: int) -> Tensor:
        ctx.save_for_backward(weight, step)
        ctx.levels = levels
        return torch.div(weight, step).round_().clamp_(-levels, levels)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        weight, step = ctx.saved_tensors
        ratio = weight / step
        inside = ratio.abs() < ctx.levels
        for_real = gradient / step
        distance = ratio.round().clamp_(-ctx.levels, ctx.levels) - ratio * inside
        count = weight[0].numel()
        axes = tuple(range(1, weight.dim()))
        for_step = (for_real * distance).sum(dim=axes, keepdim=True)
        return for_real * inside, for_step / (count * ctx.levels) ** 0.5, None
