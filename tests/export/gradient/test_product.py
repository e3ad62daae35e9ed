"""Each factor of a product gets the gradient times the other."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.export.gradient.autograd import assert_follows_autograd
from tests.networks import Chain, LateHead, Residual, SqueezeExcite, stem


class Product(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x):
        return torch.relu(self.left(x)) * self.right(x)


class Squared(nn.Module):
    def forward(self, x):
        return x * x


@pytest.mark.parametrize("factors", [Product, Squared, nn.Hardswish])
def test_factors_of_one_shape(factors):
    assert_follows_autograd(Chain(8, stem(), nn.Conv2d(8, 8, 1), factors()))


@pytest.mark.parametrize("behind", [nn.Identity(), Residual(nn.Conv2d(8, 8, 1), rectified=True)])
def test_one_number_for_each_channel_gets_the_sum_over_its_cells(behind):
    assert_follows_autograd(Chain(8, stem(stride=2), SqueezeExcite(8), behind))


def test_a_product_behind_the_global_pooling():
    assert_follows_autograd(LateHead())
