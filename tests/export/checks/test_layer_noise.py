"""Noise of each layer against the float network, whole and alone."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch

from export.checks.layer_noise import HISTOGRAM_BINS, measure_noise
from export.lower import lower
from export.program import run_all
from train.batches import image_batches


@pytest.fixture
def network(trained):
    """A copy whose ranges a test may change."""
    return copy.deepcopy(trained.network)


@pytest.fixture
def middle(network):
    """Name of the second layer, whose input is rounded, too."""
    return [node.name for node in network.graph.nodes if node.has_weights][1]


def _noise(network, calibration):
    found = measure_noise(network, lower(network), calibration[:8])
    return {layer.tensor: layer for layer in found}


def test_every_integer_layer_is_measured_in_order(network, calibration):
    names = [node.name for node in network.graph.nodes[1:]]
    assert list(_noise(network, calibration)) == names
    assert network.quantize


def test_the_whole_noise_is_the_difference_of_float_and_reference(network, calibration):
    program, images = lower(network), calibration[:8]
    logits = network.graph.logits.name
    found = _noise(network, calibration)[logits]
    integers = run_all(program, images)[logits]
    network.quantize = False
    with torch.no_grad():
        exact = torch.cat([network(batch) for batch in image_batches(images, 8)]).double()
    noise = program.tensors[logits].dequantize(integers) - exact
    ratio = float(exact.square().sum() / noise.square().sum())
    assert found.sqnr_db == pytest.approx(10 * math.log10(ratio), abs=1e-3)


def test_eight_bits_cost_little_in_each_layer_alone(network, calibration):
    found = _noise(network, calibration).values()
    assert all(layer.own_sqnr_db > 20 for layer in found if layer.own_sqnr_db is not None)


def test_a_range_sixteen_times_too_wide_costs_its_layer_up_to_four_bits(
    network, calibration, middle
):
    before = _noise(network, calibration)[middle].own_sqnr_db
    with torch.no_grad():
        network.site_of(middle).alpha *= 16
    after = _noise(network, calibration)[middle]
    assert 6 < before - after.own_sqnr_db < 25  # four bits are 24 dB; weights have their own noise
    assert after.beyond == 0


def test_a_range_that_is_too_narrow_loses_by_clipping(network, calibration, middle):
    with torch.no_grad():
        network.site_of(middle).alpha /= 8
    found = _noise(network, calibration)[middle]
    assert found.clipped_noise > 0.9
    assert found.beyond > 0.05


def test_the_histogram_reaches_to_twice_the_range(network, calibration, middle):
    found = _noise(network, calibration)[middle]
    (shape,) = (node.shape for node in network.graph.nodes if node.name == middle)
    assert len(found.histogram) == HISTOGRAM_BINS
    assert sum(found.histogram) == 8 * np.prod(shape)
    inside = sum(found.histogram[: HISTOGRAM_BINS // 2]) / sum(found.histogram)
    assert 1 - inside == pytest.approx(found.beyond, abs=0.01)


def test_a_layer_without_signal_has_no_ratio(network, calibration, middle):
    with torch.no_grad():
        network.layer_of(middle).weight.zero_()
        network.layer_of(middle).bias.zero_()
    found = _noise(network, calibration)[middle]
    assert (found.sqnr_db, found.own_sqnr_db, found.clipped_noise) == (None, None, 0.0)
