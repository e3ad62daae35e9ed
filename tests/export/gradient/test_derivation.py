"""Unseen networks explain themselves, and the sizes of gradients are evened out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from edge_runtime.errors import ArtifactError
from edge_runtime.metrics import rank_correlation, top_overlap
from export.gradient import add_gradient
from export.gradient.rules import RULES
from export.lower import lower
from export.onnx_format.emitter import emit_onnx
from export.operations import MaxPool, Rescale
from export.program import execute
from export.tflite_format.emitter import emit_tflite
from tests.export.gradient.autograd import IMAGES, correlation, torch_maps
from tests.export.runtimes import run_onnx, run_tflite
from tests.networks import Branches, Chain, Residual, depthwise, loud_class, quantized, stem


@st.composite
def residual_networks(draw):
    """A stem, residual blocks of three kinds, and whatever else changes size or width."""
    width = draw(st.sampled_from([4, 8]))
    layers: list[nn.Module] = [stem(width, stride=draw(st.sampled_from([1, 2])))]
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["residual", "inverted", "stride", "max", "mean", "branches"]))
        if kind == "residual":
            inner: nn.Module = nn.Conv2d(width, width, 3, padding=1)
            layers.append(Residual(inner, rectified=draw(st.booleans())))
        elif kind == "inverted":
            inner = nn.Sequential(
                pointwise(width, 2 * width),
                depthwise(2 * width, 3, 1),
                nn.Conv2d(2 * width, width, 1),
            )
            layers.append(Residual(inner, rectified=False))
        elif kind == "stride":
            layers.append(depthwise(width, draw(st.sampled_from([3, 5])), 2))
        elif kind == "max":
            layers.append(nn.MaxPool2d(3, draw(st.sampled_from([1, 2])), 1))
        elif kind == "mean":
            layers.append(nn.AvgPool2d(2, draw(st.sampled_from([1, 2]))))
        else:
            layers.append(Branches(width, rectified=draw(st.booleans())))
            width = 8
    return Chain(width, *layers)


def pointwise(inputs, outputs):
    convolution = nn.Conv2d(inputs, outputs, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU6())


@given(model=residual_networks(), seed=st.integers(0, 1000))
@settings(
    max_examples=12,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_unseen_residual_networks_explain_themselves_in_both_engines(model, seed):
    torch.manual_seed(seed)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.kaiming_normal_(parameter)
    network = quantized(model, IMAGES)
    program = add_gradient(lower(network), IMAGES)
    asked = np.full(len(IMAGES), -1)
    for emit, run in ((emit_onnx, run_onnx), (emit_tflite, run_tflite)):
        got = run(emit(program), IMAGES, asked)
        expected = torch_maps(network, got["class_index_used"])
        pairs = [
            (found, wanted)
            for found, wanted in zip(got["saliency"], expected, strict=True)
            if found.std() > 0 and wanted.std() > 0
        ]
        # A network in which nothing is alive has nothing to explain.
        if pairs:
            assert np.median([rank_correlation(*pair) for pair in pairs]) > 0.95
            assert np.median([top_overlap(*pair) for pair in pairs]) > 0.8


def test_images_of_unequal_gradients_are_brought_to_one_size():
    network = quantized(loud_class(), IMAGES)
    program = add_gradient(lower(network), IMAGES)
    assert any(isinstance(operation, Rescale) for operation in program.operations)
    asked = np.arange(8) % 3
    got = execute(program, IMAGES, asked)["saliency"]
    expected = torch_maps(network, asked)
    assert np.median(correlation(got, expected)) > 0.98
    # The factors are taken off again: in logit per grey level for every image, loud or not.
    np.testing.assert_allclose(got.sum(axis=(1, 2)), expected.sum(axis=(1, 2)), rtol=0.1)


def test_an_operation_without_a_rule_is_named(monkeypatch):
    monkeypatch.delitem(RULES, MaxPool)
    network = quantized(Chain(8, stem(), nn.MaxPool2d(2)), IMAGES)
    with pytest.raises(ArtifactError, match=r"MaxPool \(layers/1\) has no integer gradient"):
        add_gradient(lower(network), IMAGES)
