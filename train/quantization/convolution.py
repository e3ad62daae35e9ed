"""Depthwise and grouped convolution whose double backward is as fast as its forward.

torch differentiates a grouped convolution twice by looping over the groups. A penalty on the
input gradient (the L1 term of saliency-guided training) needs exactly that second derivative, so
the three first-order products are written out here and differentiate into each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from train.quantization.fake_quantize import BackwardPass

__all__ = ["ConvolutionGeometry", "convolve"]


@dataclass(frozen=True)
class ConvolutionGeometry:
    """Stride, symmetric padding and dilation as ``(h, w)``, and the number of groups."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor, geometry: ConvolutionGeometry, state: BackwardPass
) -> Tensor:
    """Convolve ``[N, C, H, W]`` with ``[O, C/groups, kh, kw]`` and add ``bias`` ``[O]``."""
    if geometry.groups == 1:
        return F.conv2d(x, weight, bias, geometry.stride, geometry.padding, geometry.dilation, 1)
    result: Tensor = _Convolution.apply(x, weight, bias, geometry, state)
    return result


def _forward(x: Tensor, weight: Tensor, bias: Tensor | None, g: ConvolutionGeometry) -> Tensor:
    return F.conv2d(x, weight, bias, g.stride, g.padding, g.dilation, g.groups)


def _products(
    gradient: Tensor, x: Tensor, weight: Tensor, g: ConvolutionGeometry, wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients for input and weight, each only if wanted."""
    for_input, for_weight, _ = torch.ops.aten.convolution_backward(
        gradient,
        x,
        weight,
        None,
        g.stride,
        g.padding,
        g.dilation,
        False,
        (0, 0),
        g.groups,
        (*wanted, False),
    )
    return for_input, for_weight


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
            _, for_weight = _products(gradient, x, weight, ctx.geometry, (False, True))
            for_bias = gradient.sum(dim=(0, 2, 3))
        return for_input, for_weight, for_bias, None, None


class _InputGradient(torch.autograd.Function):
    """The gradient for the input, g -> g * w^T: linear in ``g`` and in ``w``."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, weight: Tensor, x: Tensor, geometry: ConvolutionGeometry
    ) -> Tensor:
        ctx.save_for_backward(gradient, weight)
        ctx.geometry = geometry
        for_input, _ = _products(gradient, x, weight, geometry, (True, False))
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
            _, for_weight = _products(gradient, second, weight, ctx.geometry, (False, True))
        return for_gradient, for_weight, None, None
