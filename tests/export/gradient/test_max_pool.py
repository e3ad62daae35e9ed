"""Each window's gradient goes to the cell that torch sends it to."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from edge_runtime.errors import ArtifactError
from export.gradient import add_gradient
from export.lower import lower
from export.operations import MaxPoolGradient
from tests.export.gradient.autograd import (
    IMAGES,
    assert_follows_autograd,
    correlation,
    torch_maps,
)
from tests.export.runtimes import RUNTIMES
from tests.networks import Chain, quantized, stem

WINDOWS = [(2, 2, 0), (3, 2, 1), (3, 2, 0), (3, 1, 1), (3, 3, 1), (5, 2, 2), ((3, 2), 2, (1, 0))]


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_windows_apart_and_overlapping(window):
    assert_follows_autograd(Chain(8, stem(), nn.MaxPool2d(*window)))


def test_a_signed_input_and_a_window_beyond_the_edge():
    layers = [stem(), nn.Conv2d(8, 8, 1), nn.MaxPool2d(2, ceil_mode=True)]
    assert_follows_autograd(Chain(8, *layers))


@RUNTIMES
@pytest.mark.parametrize("bits", [8, 4, 2])
def test_ties_among_few_levels_go_where_torch_sends_them(bits, emit, run):
    network = quantized(Chain(8, stem(), nn.MaxPool2d(3, 2, 1)), IMAGES, (8, bits))
    asked = np.full(len(IMAGES), 1)
    got = run(emit(add_gradient(lower(network), IMAGES)), IMAGES, asked)["saliency"]
    assert np.median(correlation(got, torch_maps(network, asked))) > 0.98


@given(
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3),
    levels=st.integers(1, 5),
    seed=st.integers(0, 10_000),
)
def test_the_routing_is_autograds_to_the_cell(kernel, stride, levels, seed):
    generator = torch.Generator().manual_seed(seed)
    padding = (kernel[0] // 2, kernel[1] // 2)
    source = torch.randint(0, levels, (2, 3, 7, 9), generator=generator).double()
    source.requires_grad_()
    pooled = F.max_pool2d(source, kernel, stride, padding)
    gradient = torch.randn(pooled.shape, generator=generator, dtype=torch.float64)
    (expected,) = torch.autograd.grad(pooled, source, gradient)
    sides = (padding[0], padding[0], padding[1], padding[1])
    routed = MaxPoolGradient("g", "x", "y", "out", kernel, (stride, stride), sides)
    values = {"x": source.detach(), "y": pooled.detach()}
    torch.testing.assert_close(routed.real(values, gradient), expected)


@pytest.mark.parametrize("window", [(1, 2), (2, 3), (2, (2, 1))], ids=str)
def test_windows_that_leave_cells_out_are_named(window):
    network = quantized(Chain(8, stem(), nn.MaxPool2d(*window)), IMAGES)
    with pytest.raises(ArtifactError, match="layers/1 pools windows of"):
        add_gradient(lower(network), IMAGES)
