"""Post-training quantisation, the row that learned ranges have to beat."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.networks import Chain, as_batch, depthwise, quantized, random_images, stem
from train.quantization import QuantizationConfig
from train.quantization.weights import weight_scales, weight_steps
from train.study.matrix import Ranges
from train.study.post_training import clip_to_least_error, quantize_after_training

IMAGES = random_images(8, 16, 16)


def rounded(weight: Tensor, bits: int) -> Tensor:
    scale = weight_scales(weight, bits)
    return weight_steps(weight, scale, bits) * scale[:, None]


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 4]))
def test_clipping_never_rounds_worse_than_the_largest_weight(seed: int, bits: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(6, 40, generator=generator) ** 3
    clipped = weight.clone()
    clip_to_least_error(clipped, bits)

    def error(values: Tensor) -> Tensor:
        return (rounded(values, bits) - weight).square().sum(dim=1)

    assert (error(clipped) <= error(weight) * (1 + 1e-4)).all()


def test_one_outlier_is_given_up_for_the_others() -> None:
    many = torch.linspace(-1, 1, 2001)
    weight = torch.cat([many, torch.tensor([2.5])])[None]
    clip_to_least_error(weight, 4)
    assert weight.abs().max() < 1.5
    assert torch.equal(weight[0, 200:1800], many[200:1800])


@pytest.mark.parametrize("ranges", ["mse", "percentile"])
def test_the_float_network_is_left_as_it_is(ranges: Ranges) -> None:
    network = quantized(Chain(8, stem(), depthwise(8, 3, 2)), IMAGES)
    network.quantize = False
    before = {name: value.clone() for name, value in network.state_dict().items()}
    narrow = quantize_after_training(
        network,
        QuantizationConfig(activation_bits=4, weight_bits=2),
        [as_batch(IMAGES)],
        ranges,
    )
    assert narrow.quantize and not network.quantize
    assert (narrow.config.weight_bits, narrow.config.activation_bits) == (2, 4)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_ranges_of_least_error_are_nearer_to_float_at_4_bit() -> None:
    images, config = as_batch(IMAGES), QuantizationConfig(activation_bits=4, weight_bits=4)

    def error(seed: int, ranges: Ranges) -> float:
        torch.manual_seed(seed)
        network = quantized(Chain(8, stem(), depthwise(8, 3, 2)), IMAGES)
        network.quantize = False
        with torch.no_grad():
            exact = network(images)
            narrow = quantize_after_training(network, config, [images], ranges)
            return float((narrow(images) - exact).square().mean() / exact.square().mean())

    # Over several networks: the least error of each range is no promise for their sum.
    mse, percentile = (sum(error(seed, r) for seed in range(6)) for r in ("mse", "percentile"))
    assert mse < percentile
