"""The gradient of a convolution is a convolution with the flipped weights."""

from __future__ import annotations

import pytest
from torch import nn

from edge_runtime.errors import ArtifactError
from export.gradient import add_gradient
from export.lower import lower
from tests.export.gradient.autograd import IMAGES, assert_follows_autograd
from tests.networks import Chain, SamePadding, depthwise, quantized, stem


@pytest.mark.parametrize(
    "layers",
    [
        [stem(stride=2)],
        [SamePadding()],
        [stem(), depthwise(8, 3, 1)],
        [stem(), depthwise(8, 5, 2)],
        [stem(), nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.ReLU()],
        [stem(), nn.Conv2d(8, 8, 3, padding=2, dilation=2), nn.ReLU()],
        [stem(), nn.Conv2d(8, 8, 1, stride=2)],
        [stem(), nn.Conv2d(8, 8, (5, 1), padding=(2, 0)), nn.Conv2d(8, 8, (1, 3))],
    ],
    ids=["stride", "same", "depthwise", "5x5", "groups", "dilation", "projection", "oblong"],
)
def test_every_geometry(layers):
    assert_follows_autograd(Chain(8, *layers))


def test_padding_beyond_the_kernel_is_named():
    network = quantized(Chain(8, stem(), nn.Conv2d(8, 8, 1, padding=1)), IMAGES)
    with pytest.raises(ArtifactError, match="layers/1 pads by more than its kernel"):
        add_gradient(lower(network), IMAGES)
