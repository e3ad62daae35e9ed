"""The gradient at an early feature map, derived like that for the pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edge_runtime.errors import ArtifactError
from export.checks.integer_proof import (
    float_operations_onnx,
    float_operations_tflite,
    optimized_onnx,
)
from export.gradient import add_early_gradient
from export.lower import lower
from export.onnx_format.emitter import emit_onnx
from export.tflite_format.emitter import emit_tflite
from tests.export.gradient.autograd import IMAGES, correlation
from tests.export.runtimes import RUNTIMES
from tests.networks import Branches, Chain, Residual, as_batch, depthwise, quantized, stem
from train.attribution import METHODS, early_map_of

BEHIND = {
    "a convolution": lambda: [depthwise(8, 3, 2)],
    "a skip connection": lambda: [
        nn.Conv2d(8, 16, 1),
        Residual(nn.Conv2d(16, 16, 3, padding=1), rectified=True),
        nn.Conv2d(16, 8, 1),
    ],
    "branches": lambda: [Branches(8, rectified=True), depthwise(8, 3, 2)],
    "a pooling": lambda: [nn.MaxPool2d(3, 2, 1), nn.Conv2d(8, 8, 1)],
}


def network_with(name):
    torch.manual_seed(2)
    return quantized(Chain(8, stem(stride=2), depthwise(8, 3, 2), *BEHIND[name]()), IMAGES)


@RUNTIMES
@pytest.mark.parametrize("name", BEHIND)
def test_maps_follow_autograd(name, emit, run):
    network = network_with(name)
    program = add_early_gradient(lower(network), IMAGES, early_map_of(network))
    asked = np.arange(len(IMAGES)) % 3
    got = run(emit(program), IMAGES, asked)["saliency"]
    expected = METHODS["gradient-early"](network, as_batch(IMAGES), torch.from_numpy(asked)).numpy()
    assert got.shape == expected.shape
    assert np.median(correlation(got, expected)) > 0.98
    # In the same units: logit per unit of the feature.
    assert got.sum() == pytest.approx(expected.sum(), rel=0.1)


@pytest.mark.parametrize("name", BEHIND)
def test_both_runtimes_compute_in_integers(name):
    network = network_with(name)
    program = add_early_gradient(lower(network), IMAGES, early_map_of(network))
    assert float_operations_onnx(optimized_onnx(emit_onnx(program))) == ()
    assert float_operations_tflite(emit_tflite(program)) == ()


def test_a_map_that_is_pooled_right_away_is_refused():
    network = network_with("a skip connection")
    with pytest.raises(ArtifactError, match="the same in all cells"):
        add_early_gradient(lower(network), IMAGES, "layers/4")


def test_nothing_in_front_of_the_map_is_differentiated():
    network = network_with("a convolution")
    program = add_early_gradient(lower(network), IMAGES, early_map_of(network))
    assert "gradient/layers/1/0" in program.tensors
    assert not any(name.startswith("gradient/layers/0") for name in program.tensors)
    assert "gradient/image" not in program.tensors
