"""Each part of a concatenation gets its channels."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.export.gradient.autograd import assert_follows_autograd
from tests.networks import Branches, Chain, Dense, Residual, stem


@pytest.mark.parametrize("rectified", [True, False])
def test_two_branches(rectified):
    assert_follows_autograd(Chain(8, stem(), Branches(8, rectified=rectified)))


def test_parts_that_are_joined_again_and_again():
    assert_follows_autograd(Chain(16, stem(4), Dense(4), Dense(8), Dense(12)))


class Doubled(nn.Module):
    def forward(self, x):
        return torch.cat([x, x], dim=1)


def test_a_tensor_that_is_both_parts():
    assert_follows_autograd(Chain(16, stem(), Doubled()))


def test_a_branch_that_ends_in_a_sum():
    inner = nn.Conv2d(8, 8, 3, padding=1)
    layers = [stem(), Branches(8, rectified=True), Residual(inner, rectified=True)]
    assert_follows_autograd(Chain(8, *layers))
