"""The gradient at an early feature map, and which map that is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from edge_runtime.errors import ArtifactError
from edge_runtime.map_grid import MapGrid
from tests.networks import (
    Chain,
    Residual,
    as_batch,
    depthwise,
    quantized,
    random_images,
    stem,
)
from train.attribution import METHODS, early_map_of, places_of
from train.quantization import QuantizationConfig, QuantizedNetwork

IMAGES = random_images(4, 32, 32)


def network_of(*layers, channels=8):
    model = Chain(channels, *layers).eval()
    return model, QuantizedNetwork.from_model(model, 32, 32, QuantizationConfig())


def wide(stride):
    return nn.Sequential(nn.Conv2d(8, 16, 3, stride, 1), nn.ReLU())


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        # The last at a quarter of the side, of those with the fewest channels.
        (
            [stem(stride=2), depthwise(8, 3, 2), depthwise(8, 3, 1), depthwise(8, 3, 2)],
            "layers/2/0",
        ),
        ([stem(stride=2), depthwise(8, 3, 2), wide(1), nn.Conv2d(16, 8, 3, 2, 1)], "layers/1/0"),
        # None at a quarter: one at half.
        ([stem(stride=2), nn.MaxPool2d(4)], "layers/0/0"),
        # The last of all is pooled right away, so its gradient tells no place.
        ([stem(stride=2), depthwise(8, 3, 2)], "layers/0/0"),
        # What a skip connection goes past is not passed by all.
        (
            [
                stem(stride=2),
                Residual(depthwise(8, 3, 1), rectified=True),
                depthwise(8, 3, 2),
            ],
            "layers/1/add",
        ),
    ],
)
def test_the_map_is_the_narrowest_at_a_quarter_of_the_side(layers, expected):
    _, network = network_of(*layers)
    assert early_map_of(network) == expected


def test_a_network_without_such_a_map_is_told_so():
    _, network = network_of(stem(), nn.Conv2d(8, 8, 8, 8), nn.ReLU())
    with pytest.raises(ArtifactError, match="needs one at a half to a quarter"):
        early_map_of(network)


def test_in_float_it_is_autograds_gradient_for_that_map():
    model, network = network_of(stem(stride=2), depthwise(8, 3, 2), depthwise(8, 3, 2))
    batch, classes = as_batch(IMAGES), torch.tensor([0, 1, 2, 0])
    features = model.layers[:2]((batch - 127) / 128).detach().requires_grad_()
    pooled = F.adaptive_avg_pool2d(model.layers[2](features), 1).flatten(1)
    score = model.classifier(pooled).gather(1, classes[:, None]).sum()
    (expected,) = torch.autograd.grad(score, features)
    found = METHODS["gradient-early"](network, batch, classes)
    torch.testing.assert_close(found, expected.abs().amax(dim=1), rtol=1e-3, atol=1e-6)


def test_quantised_it_is_in_the_same_units():
    torch.manual_seed(2)
    model = Chain(8, stem(stride=2), depthwise(8, 3, 2), depthwise(8, 3, 2))
    network = quantized(model, IMAGES)
    batch, classes = as_batch(IMAGES), torch.tensor([0, 1, 2, 0])
    found = METHODS["gradient-early"](network, batch, classes).numpy()
    network.quantize = False
    in_float = METHODS["gradient-early"](network, batch, classes).numpy()
    assert found.sum() == pytest.approx(in_float.sum(), rel=0.1)
    assert np.corrcoef(found.ravel(), in_float.ravel())[0, 1] > 0.9


def test_its_cells_have_places():
    _, network = network_of(stem(stride=2), depthwise(8, 3, 2), depthwise(8, 3, 2))
    places = places_of(network, "gradient-early")
    assert places is not None
    assert places.grid == MapGrid((0.5, 0.5), (4.0, 4.0))
