"""Hard-swish, hard sigmoid and gates are captured as integer operations."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from edge_runtime.errors import ArtifactError
from tests.networks import Chain, LateHead, SqueezeExcite, as_batch, random_images, stem
from train.attribution import places_of
from train.quantization import QuantizationConfig, QuantizedNetwork, capture

IMAGES = random_images(4, 16, 16)


@pytest.mark.parametrize(
    "model",
    [
        lambda: Chain(8, nn.Conv2d(3, 8, 3), nn.Hardswish()),
        lambda: Chain(8, stem(), SqueezeExcite(8)),
        LateHead,
    ],
)
def test_the_float_network_is_the_model(model):
    module = model().eval()
    network = QuantizedNetwork.from_model(module, 16, 16, QuantizationConfig())
    batch = as_batch(IMAGES)
    with torch.no_grad():
        torch.testing.assert_close(
            network(batch), module((batch - 127) / 128), rtol=1e-4, atol=1e-5
        )


def test_a_hard_swish_is_a_product_with_a_clipped_layer():
    graph, parameters = capture(
        Chain(8, nn.Conv2d(3, 8, 3), nn.Hardswish()), torch.zeros(1, 3, 8, 8)
    )
    gate, product = graph["layers/1/hard_sigmoid"], graph["layers/1/mul"]
    assert (gate.activation, gate.attributes["groups"]) == ("relu1", 8)
    assert product.inputs == ("layers/0", "layers/1/hard_sigmoid")
    assert torch.equal(parameters["layers/1/hard_sigmoid.bias"], torch.full((8,), 0.5))
    # What is multiplied may be below zero; the gate may not.
    assert graph.non_negative() >= {gate.name}
    assert product.name not in graph.non_negative()


def test_cells_behind_a_gate_lie_where_those_in_front_do():
    network = QuantizedNetwork.from_model(
        Chain(8, stem(stride=2), SqueezeExcite(8)), 16, 16, QuantizationConfig()
    )
    places = places_of(network, "cam")
    assert places is not None
    assert (places.grid.first_yx, places.branches_agree) == ((0.5, 0.5), True)


class Scaled(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor(x)


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (lambda x: 2.0, "only products of two tensors are supported"),
        (lambda x: x.mean(dim=1, keepdim=True), "mean over height and width"),
        (lambda x: F.relu(x[:, :1]), "a part of the channels"),
        (torch.sigmoid, "sigmoid.* has no integer form|it has no integer form"),
    ],
)
def test_a_product_that_no_kernel_takes_is_named(factor, message):
    model = Chain(8, stem(), Scaled(factor))
    with pytest.raises(ArtifactError, match=message):
        capture(model, torch.zeros(1, 3, 8, 8))
