"""A network with random layers works like a fresh one, and keeps the others."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.networks import Chain, Residual, as_batch, depthwise, quantized, random_images, stem
from train.quantization import QuantizedNetwork
from train.quantization.reinitialize import reinitialized

IMAGES = random_images(12, 24, 24)


@pytest.fixture(scope="module")
def network() -> QuantizedNetwork:
    """Deep enough for weights without batch norm to die or explode."""
    torch.manual_seed(0)
    block = nn.Sequential(depthwise(8, 3, 1), nn.Conv2d(8, 8, 1))
    layers = [depthwise(8, 3, 1) for _ in range(5)]
    model = Chain(8, stem(), Residual(block, rectified=False), *layers, depthwise(8, 5, 2))
    return quantized(model, IMAGES)


def _names(network: QuantizedNetwork) -> list[str]:
    return [node.name for node in network.graph.nodes if node.has_weights]


def test_layers_that_were_not_named_keep_their_weights(network: QuantizedNetwork) -> None:
    names = _names(network)
    other = reinitialized(network, names[-3:], as_batch(IMAGES), seed=0)
    for name in names:
        same = torch.equal(other.layer_of(name).weight, network.layer_of(name).weight)
        assert same == (name not in names[-3:])


def test_no_channel_dies_or_explodes(network: QuantizedNetwork) -> None:
    names = _names(network)
    other = reinitialized(network, names, as_batch(IMAGES), seed=0)
    other.quantize = False
    for name in names[:-1]:
        with torch.no_grad():
            (values,) = other.outputs(as_batch(IMAGES), name)
        power = values.square().mean(dim=(0, 2, 3))
        if other.graph[name].activation == "none":
            torch.testing.assert_close(power, torch.ones_like(power), rtol=0.01, atol=0.01)
            assert float(values.mean(dim=(0, 2, 3)).abs().max()) < 1e-3
        else:
            # What rectifying leaves of a power of 1.
            assert 0.05 < float(power.min()) <= float(power.max()) < 1


def test_it_quantises_like_the_network_it_was_made_of(network: QuantizedNetwork) -> None:
    other = reinitialized(network, _names(network), as_batch(IMAGES), seed=0)
    assert other.quantize
    with torch.no_grad():
        in_steps = other(as_batch(IMAGES))
        other.quantize = False
        in_float = other(as_batch(IMAGES))
    assert float((in_steps - in_float).std()) < 0.2 * float(in_float.std())
    assert float(in_float.std(dim=0).min()) > 0


def test_the_network_itself_is_left_alone(network: QuantizedNetwork) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    reinitialized(network, _names(network), as_batch(IMAGES), seed=0)
    after = network.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert network.quantize


def test_a_seed_is_one_network(network: QuantizedNetwork) -> None:
    names = _names(network)
    first, again, other = (
        reinitialized(network, names, as_batch(IMAGES), seed=seed).state_dict()
        for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    weights = [name for name in first if name.endswith("weight")]
    assert not any(torch.equal(first[name], other[name]) for name in weights)
