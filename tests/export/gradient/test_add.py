"""Both summands get the gradient of a sum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edge_runtime.errors import ArtifactError
from export.gradient import add_gradient
from export.gradient.backward import PREFIX
from export.lower import lower
from export.near_ties import Grid, ambiguous_pairs
from export.operations import Add
from tests.export.gradient.autograd import (
    IMAGES,
    assert_follows_autograd,
    correlation,
    torch_maps,
)
from tests.export.runtimes import RUNTIMES
from tests.networks import Chain, PreActivation, Residual, depthwise, quantized, stem


@pytest.mark.parametrize("rectified", [True, False])
def test_a_residual_branch_and_its_skip(rectified):
    inner = nn.Sequential(depthwise(8, 3, 1), nn.Conv2d(8, 8, 1))
    layers = [stem(), Residual(inner, rectified=rectified), Residual(inner, rectified=rectified)]
    assert_follows_autograd(Chain(8, *layers))


def test_an_activation_in_front_of_the_branch():
    inner = nn.Conv2d(8, 8, 3, padding=1)
    assert_follows_autograd(Chain(8, stem(), nn.Conv2d(8, 8, 1), PreActivation(inner)))


class Twice(nn.Module):
    def forward(self, x):
        return x + x


class Skips(nn.Module):
    """Two sums take the same tensor without a convolution between."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x):
        return torch.cat([torch.relu(x + self.left(x)), torch.relu(x + self.right(x))], dim=1)


def test_a_tensor_is_added_to_itself():
    assert_follows_autograd(Chain(8, stem(), Twice()))


def test_no_sum_of_gradients_has_a_pair_that_kernels_round_differently():
    layers = [Residual(nn.Conv2d(8, 8, 1), rectified=True) for _ in range(6)]
    program = add_gradient(lower(quantized(Chain(8, stem(), *layers), IMAGES)), IMAGES)
    sums = [operation for operation in program.operations if isinstance(operation, Add)]
    tensors = [(*operation.inputs, operation.output) for operation in sums]
    gradients = [names for names in tensors if names[-1].startswith(PREFIX)]
    grids = [[Grid.of(program.tensors[name]) for name in names] for names in gradients]
    assert [len(ambiguous_pairs(*found)) for found in grids] == [0] * 6


@RUNTIMES
def test_two_skip_connections_meet(emit, run):
    network = quantized(Chain(16, stem(), Skips()), IMAGES)
    program = add_gradient(lower(network), IMAGES)
    asked = np.full(len(IMAGES), 1)
    got = run(emit(program), IMAGES, asked)["saliency"]
    assert np.median(correlation(got, torch_maps(network, asked))) > 0.98


def test_a_sum_with_the_image_itself_is_named():
    inner = nn.Conv2d(3, 3, 3, padding=1)
    network = quantized(Chain(8, Residual(inner, rectified=False), stem()), IMAGES)
    with pytest.raises(ArtifactError, match="adds the image itself"):
        add_gradient(lower(network), IMAGES)
