"""The gradient of the global mean reaches every cell alike."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.export.gradient.autograd import assert_follows_autograd
from tests.networks import Branches, Chain, Residual, stem


@pytest.mark.parametrize(
    "last",
    [
        nn.Identity(),
        nn.MaxPool2d(2),
        nn.AvgPool2d(2),
        Branches(8, rectified=True),
        Residual(nn.Conv2d(8, 8, 1), rectified=True),
    ],
    ids=lambda module: type(module).__name__,
)
def test_whatever_was_pooled_gets_its_share(last):
    assert_follows_autograd(Chain(8, stem(), last))


def test_a_tensor_that_is_pooled_and_read_by_others_gets_both_gradients():
    class Gathering(nn.Module):
        """The features of two depths, the first of which the second is made from."""

        def __init__(self):
            super().__init__()
            self.first, self.second = stem(), nn.Conv2d(8, 8, 3, padding=1)
            self.classifier = nn.Linear(8, 3)

        def forward(self, x):
            shallow = self.first(x)
            deep = torch.relu(self.second(shallow))
            pool = nn.functional.adaptive_avg_pool2d
            return self.classifier((pool(shallow, 1) + pool(deep, 1)).flatten(1))

    assert_follows_autograd(Gathering())
