"""Quantisation of activations with a learned clip and straight-through gradients: PACT and LSQ.

Source: PACT, arXiv 1805.06085. Its clip (eq. 1) ``y = 0.5 (|x| - |x - alpha| + alpha)`` is
``clamp(x, 0, alpha)``; its quantiser (eq. 2) is ``round(y (2^k - 1) / alpha) alpha / (2^k - 1)``;
its gradient for alpha (eq. 3) is 1 where the input is clipped and 0 elsewhere.

LSQ, arXiv 1902.08153, quantises alike with ``alpha = Q s``: Q levels of step s (eq. 1 and 2). Its
gradient for s (eq. 3) counts inside, too, as ``round(x / s) - x / s``, is Q where the input is
clipped above (-Q below, if signed), and is scaled by ``1 / sqrt(N Q)`` for the N features of an
image (section 2.2). No file or kernel can tell by which of the two an alpha was learned.

All values here are in *steps*: float32 tensors that hold integers, real value = steps times scale.
A convolution of steps with steps is an exact integer as long as no sum exceeds 2^24, and it is
requantised with the very multiplication that the integer kernels of a device do. So training sees
the device's integers, not ones that differ where a float rounds the other way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

__all__ = [
    "ACTIVATION_QUANTIZERS",
    "ActivationQuantizer",
    "BackwardPass",
    "Clip",
    "activation_levels",
    "fake_quantize",
    "lowest_level",
]

ActivationQuantizer = Literal["pact", "lsq"]
ACTIVATION_QUANTIZERS: tuple[ActivationQuantizer, ...] = ("pact", "lsq")


class BackwardPass:
    """Tells the custom backward functions of one network what the running pass asks for.

    ``input_only`` is set while a saliency map is computed: gradients of weights and alphas are
    skipped, which autograd cannot tell a Python function by itself.
    """

    def __init__(self) -> None:
        self.input_only = False


def activation_levels(bits: int, signed: bool) -> int:
    """The largest integer of a k-bit site: ``2^k - 1``, or ``2^(k-1) - 1`` if signed.

    Examples:
        >>> activation_levels(8, signed=False), activation_levels(8, signed=True)
        (255, 127)
        >>> activation_levels(4, signed=False), activation_levels(2, signed=True)
        (15, 1)
    """
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


@dataclass(frozen=True)
class Clip:
    """How a site rounds and clips, and what its backward pass does about it.

    Attributes:
        bits: width k of the integer.
        signed: whether negative values are kept.
        quantizer: which gradient alpha gets.
        pass_clipped: let the gradient through where the value is clipped, too.
    """

    bits: int
    signed: bool
    quantizer: ActivationQuantizer = "pact"
    pass_clipped: bool = False

    @property
    def levels(self) -> int:
        """The largest integer."""
        return activation_levels(self.bits, self.signed)

    def requantize_(self, x: Tensor, multiplier: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The integers of ``x``, and what :meth:`alpha_gradient` will ask for besides.

        Args:
            x: float32, overwritten.
            multiplier: float32, broadcast against ``x``; None is one.

        Returns:
            float32 integers from ``lowest_level`` to ``levels``, rounded half to even, and the
            values before the rounding where the gradient of alpha needs them.
        """
        if multiplier is not None:
            x.mul_(multiplier)
        unrounded = x if self.quantizer == "lsq" else None
        steps = x.round_() if unrounded is None else x.round()
        return steps.clamp_(lowest_level(self.bits, self.signed), self.levels), unrounded

    def inside(self, gradient: Tensor, steps: Tensor) -> Tensor:
        """The gradient where the integer is strictly inside its range, else zero: in one pass."""
        if self.pass_clipped:
            return gradient
        masked: Tensor = torch.ops.aten.hardtanh_backward(gradient, steps, self._low, self.levels)
        return masked

    def alpha_gradient(
        self, gradient: Tensor, steps: Tensor, unrounded: Tensor | None, alpha: Tensor
    ) -> Tensor:
        """The gradient for alpha: a sum over the clipped values and, with LSQ, over all others.

        Args:
            gradient: for the steps, as it came in.
            steps: what :meth:`requantize_` gave.
            unrounded: likewise.
            alpha: the clip.
        """
        # The gradient counts steps, of which a clipped value has as many as there are levels.
        if unrounded is None:
            total = _above(gradient, steps, self.levels).sum()
            if self.signed:
                # Where it clips below, alpha enters with a minus.
                total = total - _above(gradient, -steps, self.levels).sum()
            return total * self.levels / alpha
        inside = torch.ops.aten.hardtanh_backward(gradient, unrounded, self._low, self.levels)
        total = (inside * (steps - unrounded) + (gradient - inside) * steps).sum()
        features = steps[0].numel()
        found: Tensor = total / alpha / (features * self.levels) ** 0.5
        return found

    @property
    def _low(self) -> int:
        """From here downwards values count as clipped."""
        return -self.levels if self.signed else 0


def _above(gradient: Tensor, steps: Tensor, levels: int) -> Tensor:
    """The gradient where the integer is at its upper end or beyond, else zero: in one pass."""
    clipped: Tensor = torch.ops.aten.threshold_backward(gradient, steps, levels - 0.5)
    return clipped


class _FakeQuantize(torch.autograd.Function):
    """Requantise and clip; the masks of the backward are taken from the integers."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        multiplier: Tensor | None,
        alpha: Tensor,
        clip: Clip,
        state: BackwardPass,
    ) -> Tensor:
        steps, unrounded = clip.requantize_(x.clone(), multiplier)
        ctx.save_for_backward(steps, multiplier, alpha, unrounded)
        ctx.clip, ctx.state = clip, state
        return steps

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        steps, multiplier, alpha, unrounded = ctx.saved_tensors
        for_alpha = None
        if not ctx.state.input_only:
            for_alpha = ctx.clip.alpha_gradient(gradient, steps, unrounded, alpha.detach())
        for_input = ctx.clip.inside(gradient, steps)
        if multiplier is not None:
            for_input = for_input * multiplier
        return for_input, None, for_alpha, None, None


def fake_quantize(
    x: Tensor, multiplier: Tensor | None, alpha: Tensor, clip: Clip, state: BackwardPass
) -> Tensor:
    """Requantise to a k-bit grid that ends at ``alpha``.

    Args:
        x: float32, any shape; the pre-activation in steps of whatever produced it.
        multiplier: float32, broadcast against ``x``: the size of its steps over the size of the
            result's, ``alpha / levels``; None if they are the result's. Taken as a constant, since
            rounding aside it cancels.
        alpha: float32 scalar above zero, learnable.
        clip: the grid.
        state: the running backward pass of the network.

    Returns:
        float32 of the shape of ``x``: integers from ``lowest_level`` to ``activation_levels``,
        rounded half to even. The gradient for ``x`` passes where the integer is strictly inside its
        range (straight-through estimator).
    """
    result: Tensor = _FakeQuantize.apply(x, multiplier, alpha, clip, state)
    return result
