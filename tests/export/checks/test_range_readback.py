from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from export.checks.range_readback import read_ranges
from export.lower import lower
from export.onnx_format.emitter import emit_onnx
from export.tflite_format.emitter import emit_tflite
from tests.networks import NETWORKS, quantized, random_images


@pytest.fixture
def models(candidate):
    return [candidate.graph(name, "none").model for name in ("onnx", "tflite")]


def test_every_alpha_of_a_run_is_in_both_files(trained, models):
    ranges = read_ranges(trained.network, *models)
    assert {stored.site for stored in ranges} == set(trained.network.sites)
    for stored in ranges:
        levels = 2 ** (stored.bits - 1) - 1 if stored.signed else 2**stored.bits - 1
        assert stored.scale == np.float32(stored.alpha / levels)
        assert stored.arrives("onnx") and stored.arrives("tflite")


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("bits", [8, 4, 2])
def test_every_alpha_arrives_at_every_width(name, bits):
    network = quantized(NETWORKS[name](), random_images(8, 20, 20), (bits, bits))
    program = lower(network)
    ranges = read_ranges(network, emit_onnx(program), emit_tflite(program))
    assert ranges
    lost = [r.node for r in ranges if not (r.arrives("onnx") and r.arrives("tflite"))]
    assert lost == []


def test_an_alpha_one_bit_off_does_not_arrive(trained, models):
    network = copy.deepcopy(trained.network)
    site = next(iter(network.sites))
    alpha = network.site_of(site).alpha
    with torch.no_grad():
        alpha.mul_(1 + 3e-7)
    lost = [r.site for r in read_ranges(network, *models) if not r.arrives("onnx")]
    assert lost == [site]


def test_another_zero_point_does_not_arrive(trained, models):
    stored = read_ranges(trained.network, *models)[0]
    moved = replace(stored, tflite=replace(stored.tflite, zero_point=3))
    assert stored.arrives("tflite") and not moved.arrives("tflite")
