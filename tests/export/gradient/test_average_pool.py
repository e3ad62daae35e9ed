"""The gradient of the mean over windows."""

from __future__ import annotations

import pytest
from torch import nn

from tests.export.gradient.autograd import assert_follows_autograd
from tests.networks import Chain, stem


@pytest.mark.parametrize("window", [(2,), (3, 3), (3, 2), (3, 1), ((2, 3), (2, 3))], ids=str)
def test_windows_apart_and_overlapping(window):
    assert_follows_autograd(Chain(8, stem(), nn.AvgPool2d(*window)))
