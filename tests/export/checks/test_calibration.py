"""Ranges that do not fit the images are named, with what to do; good ones are left in peace."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from export.checks.calibration import check_calibration
from export.lower import lower
from train.batches import image_batches
from train.quantization import QuantizationConfig


@pytest.fixture
def network(trained):
    """A copy whose ranges a test may change."""
    return copy.deepcopy(trained.network)


@pytest.fixture
def site(network):
    """The first layer's site."""
    return network.graph.first_layer.name


def _checks(network, images, trained):
    return check_calibration(network, lower(network), images, trained.activations)


def _sentence(checks, phrase):
    (found,) = (sentence for sentence in checks.findings if phrase in sentence)
    return found


def test_a_network_on_its_own_training_images_has_nothing_to_look_at(network, calibration, trained):
    checks = _checks(network, calibration, trained)
    assert checks.findings == ()
    assert all(check.drift is not None for check in checks.sites)


def test_the_record_is_json_with_a_number_for_every_site_and_layer(network, calibration, trained):
    import json

    record = json.loads(json.dumps(_checks(network, calibration, trained).to_json()))
    assert [check["site"] for check in record["sites"]] == list(network.sites)
    assert {"clipped", "zero", "largest", "dead_channels", "drift"} <= record["sites"][0].keys()
    assert len(record["layers"]) == len(network.graph.nodes) - 1
    assert len(record["worst_layers"]) == 3


def test_a_dead_site_is_named(network, calibration, trained, site):
    with torch.no_grad():
        network.layer_of(site).weight.zero_()
        network.layer_of(site).bias.zero_()
    assert site in _sentence(_checks(network, calibration, trained), "nothing but zeros")


def test_a_site_that_clips_much_is_named(network, calibration, trained, site):
    with torch.no_grad():
        network.site_of(site).alpha /= 50
    assert site in _sentence(_checks(network, calibration, trained), "clip more than 25%")


def test_a_site_that_wastes_its_range_is_named(network, calibration, trained, site):
    with torch.no_grad():
        network.site_of(site).alpha *= 64
    assert site in _sentence(_checks(network, calibration, trained), "less than a quarter")


@pytest.mark.parametrize(
    "change",
    [lambda images: 255 - images, lambda images: images // 3, lambda images: images[..., ::-1]],
    ids=["inverted", "dark", "red and blue exchanged"],
)
def test_pictures_that_look_different_from_training_are_told(network, calibration, trained, change):
    images = np.ascontiguousarray(change(calibration))
    checks = _checks(network, images, trained)
    assert "same colours" in _sentence(checks, "look different")


def test_a_checkpoint_without_a_record_has_no_drift(network, calibration):
    checks = check_calibration(network, lower(network), calibration, {})
    assert checks.median_drift is None
    assert checks.findings == ()


def test_layers_with_too_few_bits_are_named_with_what_they_lack(trained, calibration):
    network = trained.network.requantized(QuantizationConfig(activation_bits=2, weight_bits=2))
    network.calibrate(image_batches(calibration, 16))
    network.quantize = True
    checks = check_calibration(network.eval(), lower(network), calibration, {})
    worst = checks.worst_layers[0]
    assert worst.own_sqnr_db < 15
    told = [sentence for sentence in checks.findings if "much noise of" in sentence]
    assert told[0].startswith(f"{worst.tensor} ")


def test_a_layer_that_hands_on_the_noise_of_another_is_named_beside_it(
    network, calibration, trained
):
    checks = _checks(network, calibration, trained)
    noisy = replace(checks.layers[0], own_sqnr_db=9.0, clipped_noise=1.0, beyond=0.1)
    layers = tuple(replace(noisy, tensor=name) for name in ("pool", "flatten"))
    (found,) = replace(checks, layers=layers).findings
    assert found.startswith("pool and flatten add much noise of their own (9.0 dB), 100% of")
