"""What a network's sites see, recorded in training and compared later."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.networks import NETWORKS, as_batch, quantized, random_images
from train.quantization.profile import (
    PROFILE_BINS,
    drift,
    profile_sites,
    recorded_histograms,
)

IMAGES = random_images(8, 24, 24)
COUNTS = st.lists(st.integers(0, 1000), min_size=PROFILE_BINS, max_size=PROFILE_BINS).filter(sum)


def _network(bits=(8, 8)):
    torch.manual_seed(0)
    return quantized(NETWORKS["linear_residual"](), IMAGES, bits, "max")


@pytest.mark.parametrize("bits", [(8, 8), (8, 4), (8, 2)])
def test_profiles_agree_with_the_shares_counted_in_one_go(bits):
    network = _network(bits)
    network.calibrate([as_batch(IMAGES)], percentile=90.0)
    profiles = profile_sites(network, [as_batch(IMAGES[:4]), as_batch(IMAGES[4:])])
    shares = network.clipped_share(as_batch(IMAGES))
    assert set(profiles) == set(network.sites)
    for name, profile in profiles.items():
        assert profile.clipped == pytest.approx(shares[name], abs=0.002)
        assert (profile.largest == 1.0) is (profile.clipped > 0)


def test_the_hooks_are_gone_afterwards():
    network = _network()
    profile_sites(network, [as_batch(IMAGES)])
    assert not any(network.site_of(name)._forward_hooks for name in network.sites)


def test_a_wider_range_is_used_less():
    network = _network()
    first = network.graph.first_layer.name
    with torch.no_grad():
        network.site_of(first).alpha *= 4
    assert 0.2 < profile_sites(network, [as_batch(IMAGES)])[first].largest < 0.3


def test_channels_that_are_always_zero_are_counted():
    network = _network()
    first = network.graph.first_layer.name
    layer = network.layer_of(first)
    with torch.no_grad():
        layer.weight[0] = 0
        layer.bias[0] = -1
    before = profile_sites(_network(), [as_batch(IMAGES)])[first].dead_channels
    after = profile_sites(network, [as_batch(IMAGES)])[first].dead_channels
    assert after == pytest.approx(before + 1 / layer.weight.shape[0])


def test_drift_is_the_distance_in_deviations():
    earlier = [0] * 8 + [50] + [0] * 7 + [50] + [0] * 15  # at 8 and 16: deviation 4
    moved = [0] * 10 + [50] + [0] * 7 + [50] + [0] * 13  # both by 2
    assert drift(moved, earlier) == pytest.approx(2 / 4)


def test_a_distribution_in_one_bin_has_a_deviation_of_half_a_bin():
    assert drift([0, 1] + [0] * 30, [1] + [0] * 31) == pytest.approx(2.0)


@given(COUNTS, st.integers(1, 9))
def test_the_same_distribution_has_not_moved_however_many_values_it_has(counts, factor):
    assert drift([factor * count for count in counts], counts) == pytest.approx(0, abs=1e-9)


@given(COUNTS, COUNTS)
def test_another_distribution_has_moved(one, other):
    same = [a * sum(other) for a in one] == [b * sum(one) for b in other]
    assert (drift(one, other) > 1e-12) is not same


@pytest.mark.parametrize(
    "record",
    [None, [], {}, {"histograms": {"a": [1] * 31}}, {"histograms": {"a": [0] * 32}},
     {"histograms": {"a": "x" * 32}}],
)  # fmt: skip
def test_a_checkpoint_without_a_usable_record_has_none(record):
    assert recorded_histograms({"activations": record}) == {}


def test_a_run_records_its_activations(tiny_run):
    from train.quantization import load_network

    network, metadata = load_network(tiny_run / "best.safetensors")
    assert set(recorded_histograms(metadata)) == set(network.sites)
