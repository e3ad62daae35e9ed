"""PACT activation quantisation with straight-through gradients.

Source: PACT, arXiv 1805.06085. Its clip (eq. 1) ``y = 0.5 (|x| - |x - alpha| + alpha)`` is
``clamp(x, 0, alpha)``; its quantiser (eq. 2) is ``round(y (2^k - 1) / alpha) alpha / (2^k - 1)``;
its gradient for alpha (eq. 3) is 1 where the input is clipped and 0 elsewhere.

All values here are in *steps*: float32 tensors that hold integers, real value = steps times scale.
A convolution of steps with steps is an exact integer as long as no sum exceeds 2^24, and it is
requantised with the very multiplication that the integer kernels of a device do. So training sees
the device's integers, not ones that differ where a float rounds the other way.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = [
    "BackwardPass",
    "activation_levels",
    "lowest_level",
    "pact",
]


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


def lowest_level(bits: int, signed: bool) -> int:
    """The smallest integer of a k-bit site.

    A signed site reaches down to minus its levels; at 8 bit to one below, where a byte saturates by
    itself and needs no clip of its own. The gradient counts both as clipped.
    """
    if not signed:
        return 0
    levels = activation_levels(bits, signed)
    return -levels - 1 if bits == 8 else -levels


class _Pact(torch.autograd.Function):
    """Requantise and clip; the masks of the backward are taken from the integers."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        multiplier: Tensor,
        alpha: Tensor,
        bits: int,
        signed: bool,
        state: BackwardPass,
        pass_clipped: bool,
    ) -> Tensor:
        levels = activation_levels(bits, signed)
        steps = torch.mul(x, multiplier).round_().clamp_(lowest_level(bits, signed), levels)
        ctx.save_for_backward(steps.to(torch.int8 if signed else torch.uint8), multiplier, alpha)
        ctx.levels, ctx.signed, ctx.state, ctx.pass_clipped = levels, signed, state, pass_clipped
        return steps

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        steps, multiplier, alpha = ctx.saved_tensors
        if ctx.signed:
            inside = (steps < ctx.levels) & (steps > -ctx.levels)
        else:
            inside = (steps > 0) & (steps < ctx.levels)
        gradient_alpha = None
        if not ctx.state.input_only:
            # eq. 3; a signed site clips below too, where alpha enters with a minus.
            clipped = (steps == ctx.levels).to(gradient.dtype)
            if ctx.signed:
                clipped -= (steps <= -ctx.levels).to(gradient.dtype)
            gradient_alpha = (gradient * clipped).sum() * (ctx.levels / alpha.detach())
        for_input = (gradient if ctx.pass_clipped else gradient * inside) * multiplier
        return for_input, None, gradient_alpha, None, None, None, None


def pact(
    x: Tensor,
    multiplier: Tensor,
    alpha: Tensor,
    *,
    bits: int,
    signed: bool,
    state: BackwardPass,
    pass_clipped: bool = False,
) -> Tensor:
    """Requantise to a k-bit grid that ends at ``alpha``.

    Args:
        x: float32, any shape; the pre-activation in steps of whatever produced it.
        multiplier: float32, broadcast against ``x``: the size of its steps over the size of the
            result's, ``alpha / levels``. Taken as a constant, since rounding aside it cancels.
        alpha: float32 scalar above zero, learnable.
        bits: width k of the integer.
        signed: whether negative values are kept.
        state: the running backward pass of the network.
        pass_clipped: let the gradient for ``x`` through where the value is clipped, too.

    Returns:
        float32 of the shape of ``x``: integers from ``lowest_level`` to ``activation_levels``,
        rounded half to even. The gradient for ``x`` passes where the integer is strictly inside its
        range (straight-through estimator).
    """
    result: Tensor = _Pact.apply(x, multiplier, alpha, bits, signed, state, pass_clipped)
    return result
