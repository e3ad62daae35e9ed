"""Phases give what autograd gives, of every geometry that they are written for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from export import operations as ops
from export.gradient.phases import phases_of

CHANNELS, OUTPUTS = 3, 2


def _conv(kernel, step, padding, **more):
    """A convolution with weights of small integers, ``[OUTPUTS, CHANNELS, *kernel]``."""
    weight = np.random.default_rng(0).integers(-9, 10, (OUTPUTS, CHANNELS, *kernel)).astype(np.int8)
    bias = np.zeros(OUTPUTS, np.int32)
    stride = (step, step)
    return ops.Conv("x", "y", "c", weight, None, bias, stride=stride, padding=padding, **more)


@given(
    kernel=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    step=st.integers(2, 4),
    padding=st.tuples(*[st.integers(0, 4)] * 4),
    cells=st.tuples(st.integers(2, 5), st.integers(2, 5)),
)
def test_the_gradient_is_that_of_autograd(kernel, step, padding, cells):
    operation = _conv(kernel, step, padding)
    size = (cells[0] * step, cells[1] * step)
    padded = [s + a + b for s, (a, b) in zip(size, (padding[:2], padding[2:]), strict=True)]
    assume(all(p >= k for p, k in zip(padded, kernel, strict=True)))
    image = torch.zeros(1, CHANNELS, *size, dtype=torch.float64, requires_grad=True)
    weight = torch.from_numpy(operation.weight).double()
    output = operation.convolve(image, weight, None)
    phases = phases_of(operation, size, output.shape[2:])
    assume(phases is not None)
    incoming = torch.randint(
        -9, 10, output.shape, generator=torch.Generator().manual_seed(0)
    ).double()
    (wanted,) = torch.autograd.grad(output, image, incoming)
    top, bottom, left, right = phases.padding
    cells_of_all = F.conv2d(
        F.pad(incoming, (left, right, top, bottom)),
        torch.from_numpy(phases.weights(operation.weight.astype(np.float64))),
    )
    assert torch.equal(ops.depth_to_space(cells_of_all, phases.block), wanted)


@pytest.mark.parametrize(
    ("kernel", "padding"),
    [
        ((3, 3), (1, 1, 1, 1)),
        ((3, 3), (0, 1, 0, 1)),
        ((7, 7), (3, 3, 3, 3)),
        ((3, 3), (0, 0, 0, 0)),
    ],
    ids=["3x3", "3x3 same", "7x7", "3x3 valid"],
)
def test_the_first_layers_of_networks_are_written_in_phases(kernel, padding):
    operation = _conv(kernel, 2, padding)
    total = [32 + padding[0] + padding[1] - kernel[0], 32 + padding[2] + padding[3] - kernel[1]]
    found = phases_of(operation, (32, 32), [1 + one // 2 for one in total])
    assert found is not None
    side = (kernel[0] + 1) // 2
    assert found.weights(operation.weight).shape == (4 * CHANNELS, OUTPUTS, side, side)


@pytest.mark.parametrize(
    ("operation", "size"),
    [
        (_conv((3, 3), 1, (1, 1, 1, 1)), (32, 32)),
        (_conv((3, 3), 2, (2, 2, 2, 2), dilation=(2, 2)), (32, 32)),
        (_conv((3, 3), 2, (1, 1, 1, 1), groups=3), (32, 32)),
        (_conv((3, 3), 2, (1, 1, 1, 1)), (33, 33)),
        (_conv((1, 1), 2, (1, 1, 1, 1)), (32, 32)),
    ],
    ids=["no stride", "dilation", "groups", "part of a cell", "padding beyond the kernel"],
)
def test_other_geometries_are_left_to_zeros(operation, size):
    cells = [
        1 + (s + 2 * operation.padding[0] - d * (k - 1) - 1) // operation.stride[0]
        for s, d, k in zip(size, operation.dilation, operation.weight.shape[2:], strict=True)
    ]
    assert phases_of(operation, size, cells) is None
