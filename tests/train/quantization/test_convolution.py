"""The grouped convolution differentiates, twice, as torch's own does."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from train.quantization.convolution import (
    Convolution,
    ConvolutionGeometry,
    convolve,
    convolve_and_quantize,
)
from train.quantization.fake_quantize import BackwardPass, Clip, fake_quantize

GEOMETRIES = [
    ConvolutionGeometry((1, 1), (1, 1), (1, 1), 1),
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
    geometry, state = GEOMETRIES[1], BackwardPass()
    x, weight, bias = _operands(geometry)
    y = convolve(x, weight, bias, geometry, state)
    state.input_only = True
    y.sum().backward()
    assert x.grad is not None
    assert weight.grad is None
    assert bias.grad is None


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("quantizer", ["pact", "lsq"])
@pytest.mark.parametrize("signed", [False, True])
def test_with_its_site_it_is_the_convolution_and_the_site_one_after_the_other(
    geometry, quantizer, signed
):
    """Values, first derivatives, and the derivatives of a penalty on the input gradient."""
    clip, state = Clip(4, signed, quantizer), BackwardPass()
    multiplier = torch.tensor([2.0, 4.0, 8.0, 12.0], dtype=torch.float64)
    found = []
    for fused in (True, False):
        x, weight, bias = _operands(geometry)
        alpha = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
        if fused:
            convolution = Convolution(weight, bias, geometry)
            steps = convolve_and_quantize(x, convolution, multiplier, alpha, clip, state)
        else:
            sums = convolve(x, weight, bias, geometry, state)
            steps = fake_quantize(sums, multiplier.reshape(1, -1, 1, 1), alpha, clip, state)
        weighted = steps * torch.linspace(-1, 1, steps.numel()).reshape(steps.shape)
        (gradient,) = torch.autograd.grad(weighted.sum(), x, create_graph=True)
        (weighted.sum() + gradient.abs().sum()).backward()
        found.append([steps, gradient, x.grad, weight.grad, bias.grad, alpha.grad])
    assert 0 < (found[0][0] == clip.levels).sum() < found[0][0].numel()
    for left, right in zip(*found, strict=True):
        torch.testing.assert_close(left, right)
