"""Convolutions whose double backward is as fast as their forward, and with the site behind them.

torch differentiates a convolution twice by another algorithm, for a grouped one in a loop over the
groups. A penalty on the input gradient (the L1 term of saliency-guided training) needs exactly that
second derivative, so the first-order products are written out here and differentiate into each
other.

:func:`convolve_and_quantize` is a convolution in integer steps with its requantisation. As one
function it writes the accumulator once, keeps no copy of it, and lets the multiplier of a channel
meet its few weights rather than its whole map of gradients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from train.quantization.fake_quantize import BackwardPass, Clip

__all__ = ["Convolution", "ConvolutionGeometry", "convolve", "convolve_and_quantize"]


@dataclass(frozen=True)
class ConvolutionGeometry:
    """Stride, symmetric padding and dilation as ``(h, w)``, and the number of groups."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int


@dataclass(frozen=True)
class Convolution:
    """Weight ``[O, C/groups, kh, kw]`` and bias ``[O]``, float32, with their geometry."""

    weight: Tensor
    bias: Tensor
    geometry: ConvolutionGeometry


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor, geometry: ConvolutionGeometry, state: BackwardPass
) -> Tensor:
    """Convolve ``[N, C, H, W]`` with ``[O, C/groups, kh, kw]`` and add ``bias`` ``[O]``."""
    if geometry.groups == 1:
        return _forward(x, weight, bias, geometry)
    result: Tensor = _Convolution.apply(x, weight, bias, geometry, state)
    return result


def convolve_and_quantize(
    x: Tensor,
    convolution: Convolution,
    multiplier: Tensor,
    alpha: Tensor,
    clip: Clip,
    state: BackwardPass,
) -> Tensor:
    """Convolve integers and requantise the sums, see :func:`fake_quantize`.

    Args:
        x: float32 ``[N, C, H, W]``, integers.
        convolution: integers; the bias in steps of the sum.
        multiplier: float32 ``[O]``, the size of a channel's steps over those of the result.
        alpha: float32 scalar, the site's clip.
        clip: of the site.
        state: the running backward pass of the network.

    Returns:
        float32 ``[N, O, h, w]``, integers.
    """
    weight, bias, geometry = convolution.weight, convolution.bias, convolution.geometry
    result: Tensor = _QuantizedConvolution.apply(
        x, weight, bias, multiplier, alpha, geometry, clip, state
    )
    return result


def _forward(x: Tensor, weight: Tensor, bias: Tensor | None, g: ConvolutionGeometry) -> Tensor:
    return F.conv2d(x, weight, bias, g.stride, g.padding, g.dilation, g.groups)


def _products(
    gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    g: ConvolutionGeometry,
    wanted: tuple[bool, bool, bool],
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """The gradients for input, weight and bias, each only if wanted."""
    found: tuple[Tensor | None, Tensor | None, Tensor | None] = torch.ops.aten.convolution_backward(
        gradient,
        x,
        weight,
        [weight.shape[0]],
        g.stride,
        g.padding,
        g.dilation,
        False,
        (0, 0),
        g.groups,
        wanted,
    )
    return found


class _Convolution(torch.autograd.Function):
    """y = x * w + b."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        geometry: ConvolutionGeometry,
        state: BackwardPass,
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry, ctx.state = geometry, state
        return _forward(x, weight, bias, geometry)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        x, weight = ctx.saved_tensors
        for_input = for_weight = for_bias = None
        if ctx.needs_input_grad[0]:
            for_input = _InputGradient.apply(gradient, weight, x, ctx.geometry)
        if not ctx.state.input_only:
            _, for_weight, for_bias = _products(
                gradient, x, weight, ctx.geometry, (False, True, True)
            )
        return for_input, for_weight, for_bias, None, None


class _QuantizedConvolution(torch.autograd.Function):
    """y = clip(round((x * w + b) m)), straight-through.

    Behind the mask of the clip the gradient g meets m w instead of m g meeting w, and the gradients
    of weight and bias are multiplied by m once they are summed.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        multiplier: Tensor,
        alpha: Tensor,
        geometry: ConvolutionGeometry,
        clip: Clip,
        state: BackwardPass,
    ) -> Tensor:
        sums = _forward(x, weight, bias, geometry)
        steps, unrounded = clip.requantize_(sums, multiplier.reshape(1, -1, 1, 1))
        ctx.save_for_backward(x, weight, multiplier, alpha, steps, unrounded)
        ctx.geometry, ctx.clip, ctx.state = geometry, clip, state
        return steps

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        x, weight, multiplier, alpha, steps, unrounded = ctx.saved_tensors
        for_input = for_weight = for_bias = for_alpha = None
        masked = ctx.clip.inside(gradient, steps)
        scaled = weight * multiplier.reshape(-1, 1, 1, 1)
        if ctx.needs_input_grad[0]:
            for_input = _InputGradient.apply(masked, scaled, x, ctx.geometry)
        if not ctx.state.input_only:
            _, for_weight, for_bias = _products(
                masked, x, weight, ctx.geometry, (False, True, True)
            )
            assert for_weight is not None and for_bias is not None
            for_weight = for_weight * multiplier.reshape(-1, 1, 1, 1)
            for_bias = for_bias * multiplier
            for_alpha = ctx.clip.alpha_gradient(gradient, steps, unrounded, alpha.detach())
        return for_input, for_weight, for_bias, None, for_alpha, None, None, None


class _InputGradient(torch.autograd.Function):
    """The gradient for the input, g -> g * w^T: linear in ``g`` and in ``w``."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, weight: Tensor, x: Tensor, geometry: ConvolutionGeometry
    ) -> Tensor:
        ctx.save_for_backward(gradient, weight)
        ctx.geometry = geometry
        for_input, _, _ = _products(gradient, x, weight, geometry, (True, False, False))
        assert for_input is not None
        return for_input

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (second,) = gradients
        gradient, weight = ctx.saved_tensors
        for_gradient = for_weight = None
        if ctx.needs_input_grad[0]:
            for_gradient = _forward(second, weight, None, ctx.geometry)
        if ctx.needs_input_grad[1]:
            _, for_weight, _ = _products(
                gradient, second, weight, ctx.geometry, (False, True, False)
            )
        return for_gradient, for_weight, None, None
