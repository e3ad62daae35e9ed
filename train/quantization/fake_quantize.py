"""PACT activation quantisation and symmetric weight quantisation with straight-through gradients.

Source: PACT, arXiv 1805.06085. Its clip (eq. 1) ``y = 0.5 (|x| - |x - alpha| + alpha)`` is
``clamp(x, 0, alpha)``; its quantiser (eq. 2) is ``round(y (2^k - 1) / alpha) alpha / (2^k - 1)``;
its gradient for alpha (eq. 3) is 1 where the input is clipped and 0 elsewhere.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = [
    "BackwardPass",
    "activation_levels",
    "fake_quantize_bias",
    "fake_quantize_weight",
    "pact",
    "weight_scales",
]

_SMALLEST_CHANNEL = 1e-4


class BackwardPass:
    """Tells the custom backward functions of one network what the running pass asks for.

    ``input_only`` is set while a saliency map is computed: gradients of weights and alphas are
    skipped, which autograd cannot tell a Python function by itself.
    """

    def __init__(self) -> None:
        self.input_only = False


def activation_levels(bits: int, signed: bool) -> int:
    """The largest integer of a k-bit site: ``2^k - 1``, or ``2^(k-1) - 1`` if signed."""
    return (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1


class _Pact(torch.autograd.Function):
    """Quantise to ``levels`` steps; the masks of the backward are taken from the integers."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        alpha: Tensor,
        levels: int,
        signed: bool,
        state: BackwardPass,
        pass_clipped: bool,
    ) -> Tensor:
        # The scale is rounded to float32 once, here as in the exported files.
        scale = alpha / levels
        lowest = -levels if signed else 0
        quantized = torch.div(x, scale).round_().clamp_(lowest, levels)
        ctx.save_for_backward(quantized.to(torch.int8 if signed else torch.uint8))
        ctx.levels, ctx.signed, ctx.state, ctx.pass_clipped = levels, signed, state, pass_clipped
        return quantized.mul_(scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        (quantized,) = ctx.saved_tensors
        if ctx.signed:
            inside = quantized.abs() < ctx.levels
        else:
            inside = (quantized > 0) & (quantized < ctx.levels)
        gradient_alpha = None
        if not ctx.state.input_only:
            # eq. 3; a signed site clips below too, where alpha enters with a minus.
            clipped = (quantized == ctx.levels).to(gradient.dtype)
            if ctx.signed:
                clipped -= (quantized == -ctx.levels).to(gradient.dtype)
            gradient_alpha = (gradient * clipped).sum()
        for_input = gradient if ctx.pass_clipped else gradient * inside
        return for_input, gradient_alpha, None, None, None, None


def pact(
    x: Tensor,
    alpha: Tensor,
    *,
    bits: int,
    signed: bool,
    state: BackwardPass,
    pass_clipped: bool = False,
) -> Tensor:
    """Clip to ``[0, alpha]`` (``[-alpha, alpha]`` if signed) and round to a k-bit grid.

    Args:
        x: float32, any shape; the pre-activation, since the clip is the activation.
        alpha: float32 scalar above zero, learnable.
        bits: width k of the integer.
        signed: whether negative values are kept.
        state: the running backward pass of the network.
        pass_clipped: let the gradient for ``x`` through where the value is clipped, too.

    Returns:
        float32 of the shape of ``x``: integers times the scale ``alpha / levels``. The gradient for
        ``x`` passes where the integer is strictly inside its range (straight-through estimator).
    """
    levels = activation_levels(bits, signed)
    result: Tensor = _Pact.apply(x, alpha, levels, signed, state, pass_clipped)
    return result


def weight_scales(weight: Tensor, bits: int) -> Tensor:
    """Symmetric max-abs scales of each output channel.

    Args:
        weight: float32 ``[O, ...]``.
        bits: width k; the grid is ``-(2^(k-1) - 1) .. 2^(k-1) - 1``.

    Returns:
        float32 ``[O]``, positive. A channel far below the layer's largest (batch norm folded with a
        vanishing gamma leaves such) keeps a ten-thousandth of that one's scale: its bias, in steps
        of input scale times weight scale, must fit 32 bits.
    """
    largest = weight.detach().abs().amax(dim=tuple(range(1, weight.dim())))
    scale = largest / activation_levels(bits, signed=True)
    floor = torch.clamp(scale.max() * _SMALLEST_CHANNEL, min=1e-10)
    return torch.maximum(scale, floor)


def fake_quantize_bias(bias: Tensor, weight_scale: Tensor, input_scale: Tensor | float) -> Tensor:
    """A bias ``[O]`` on the grid of its int32 form, with a straight-through gradient."""
    with torch.no_grad():
        step = weight_scale * input_scale
        correction = torch.round(bias / step) * step - bias
    return bias + correction


def fake_quantize_weight(weight: Tensor, scale: Tensor) -> Tensor:
    """Weights on their integer grid, with a straight-through gradient (all of them are inside).

    Args:
        weight: float32 ``[O, ...]``.
        scale: float32 ``[O]`` of :func:`weight_scales`.
    """
    with torch.no_grad():
        per_channel = scale.reshape(-1, *[1] * (weight.dim() - 1))
        correction = torch.round(weight / per_channel) * per_channel - weight
    return weight + correction
