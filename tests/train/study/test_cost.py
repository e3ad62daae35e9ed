"""Bytes and bit operations of a network, worked out by hand."""

from __future__ import annotations

import pytest
from torch import nn

from tests.networks import Chain, quantized, random_images, stem
from train.study.cost import Cost, network_cost

# 8 x 8 pixels; a 3 x 3 convolution from 3 to 8 channels, one of 1 x 1 from 8 to 8 with a stride of
# 2, and a classifier of 3 classes.
FIRST, MIDDLE, LAST = 64 * 8 * 27, 16 * 8 * 8, 3 * 8
WEIGHTS = (8 * 27, 8 * 8, 3 * 8)
BIASES = 8 + 8 + 3


@pytest.mark.parametrize(("weight_bits", "activation_bits"), [(8, 8), (4, 2)])
def test_every_layer_counts_at_its_own_widths(weight_bits: int, activation_bits: int) -> None:
    model = Chain(8, stem(), nn.Conv2d(8, 8, 1, stride=2), nn.ReLU())
    network = quantized(model, random_images(4, 8, 8), (weight_bits, activation_bits))
    first, middle, last = WEIGHTS
    found = network_cost(network)
    assert found.macs == FIRST + MIDDLE + LAST
    # The first layer takes the image's bytes and leaves 8 bit, as the last has 8-bit weights.
    assert (
        found.bit_operations == FIRST * 64 + MIDDLE * weight_bits * 8 + LAST * 8 * activation_bits
    )
    assert found.weight_bytes == first + middle * weight_bits // 8 + last + 4 * BIASES


def test_a_network_in_float_counts_at_32_bit() -> None:
    network = quantized(
        Chain(8, stem(), nn.Conv2d(8, 8, 1, stride=2), nn.ReLU()), random_images(4, 8, 8)
    )
    network.quantize = False
    macs = FIRST + MIDDLE + LAST
    assert network_cost(network) == Cost(macs, macs * 1024, 4 * (sum(WEIGHTS) + BIASES))
