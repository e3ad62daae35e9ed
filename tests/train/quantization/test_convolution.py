"""The grouped convolution differentiates, twice, as torch's own does."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from train.quantization.convolution import ConvolutionGeometry, convolve
from train.quantization.fake_quantize import BackwardPass

GEOMETRIES = [
    ConvolutionGeometry((1, 1), (1, 1), (1, 1), 4),
    ConvolutionGeometry((2, 2), (0, 0), (1, 1), 4),
    ConvolutionGeometry((1, 1), (2, 2), (2, 2), 2),
]


def _operands(geometry):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 4, 6, 6, generator=generator, dtype=torch.float64)
    weight = torch.randn(4, 4 // geometry.groups, 3, 3, generator=generator, dtype=torch.float64)
    bias = torch.randn(4, generator=generator, dtype=torch.float64)
    return [tensor.requires_grad_() for tensor in (x, weight, bias)]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_second_derivatives_are_exact(geometry):
    def run(x, weight, bias):
        return convolve(x, weight, bias, geometry, BackwardPass())

    operands = _operands(geometry)
    assert torch.autograd.gradcheck(run, operands)

    def input_gradient(x, weight, bias):
        y = run(x, weight, bias)
        (gradient,) = torch.autograd.grad(y.tanh().sum(), x, create_graph=True)
        return gradient

    def reference(x, weight, bias):
        y = F.conv2d(
            x, weight, bias, geometry.stride, geometry.padding, geometry.dilation, geometry.groups
        )
        (gradient,) = torch.autograd.grad(y.tanh().sum(), x, create_graph=True)
        return gradient

    ours = torch.autograd.grad(input_gradient(*operands).abs().sum(), operands)
    theirs = torch.autograd.grad(reference(*operands).abs().sum(), operands)
    for left, right in zip(ours, theirs, strict=True):
        torch.testing.assert_close(left, right)


def test_a_saliency_pass_skips_the_weights():
    geometry, state = GEOMETRIES[0], BackwardPass()
    x, weight, bias = _operands(geometry)
    y = convolve(x, weight, bias, geometry, state)
    state.input_only = True
    y.sum().backward()
    assert x.grad is not None
    assert weight.grad is None
    assert bias.grad is None
