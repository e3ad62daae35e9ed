"""The integer gradient is the straight-through gradient of the same network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from edge_runtime.errors import ArtifactError
from export.gradient import add_gradient
from export.lower import lower
from export.operations import Rescale
from export.program import execute
from tests.networks import (
    EXPLAINED,
    Chain,
    Residual,
    as_batch,
    depthwise,
    loud_class,
    quantized,
    random_images,
    stem,
)

IMAGES = random_images(8, 18, 21)


def torch_maps(network, class_index):
    """``[N, H, W]``: autograd's |d logit / d image|, the maximum over channels."""
    batch = as_batch(IMAGES).requires_grad_()
    scores = network(batch).gather(1, torch.from_numpy(class_index).long()[:, None])
    with network.input_gradient_only():
        (gradient,) = torch.autograd.grad(scores.sum(), batch)
    return gradient.abs().amax(dim=1).numpy()


def correlation(left, right):
    """Pearson's coefficient of each pair of maps; pairs without any signal are left out."""
    return [
        np.corrcoef(a.ravel(), b.ravel())[0, 1]
        for a, b in zip(left, right, strict=True)
        if a.std() > 0 and b.std() > 0
    ]


@pytest.mark.parametrize("name", EXPLAINED)
def test_maps_follow_autograd(name):
    torch.manual_seed(2)
    network = quantized(EXPLAINED[name](), IMAGES)
    program = add_gradient(lower(network), IMAGES)
    got = execute(program, IMAGES)
    expected = torch_maps(network, got["class_index_used"])
    assert np.median(correlation(got["saliency"], expected)) > 0.98
    # In the same units: logit per grey level.
    assert got["saliency"].sum() == pytest.approx(expected.sum(), rel=0.1)


@st.composite
def residual_networks(draw):
    width = draw(st.sampled_from([4, 8]))
    layers: list[nn.Module] = [stem(width, stride=draw(st.sampled_from([1, 2])))]
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["residual", "inverted", "stride"]))
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
        else:
            layers.append(depthwise(width, draw(st.sampled_from([3, 5])), 2))
    return Chain(width, *layers)


def pointwise(inputs, outputs):
    convolution = nn.Conv2d(inputs, outputs, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU6())


@given(model=residual_networks(), seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_unseen_residual_networks_explain_themselves(model, seed):
    torch.manual_seed(seed)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.kaiming_normal_(parameter)
    network = quantized(model, IMAGES)
    got = execute(add_gradient(lower(network), IMAGES), IMAGES)
    expected = torch_maps(network, got["class_index_used"])
    found = correlation(got["saliency"], expected)
    assert not found or np.median(found) > 0.95


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


def test_a_sum_with_the_image_itself_is_named():
    inner = nn.Conv2d(3, 3, 3, padding=1)
    network = quantized(Chain(8, Residual(inner, rectified=False), stem()), IMAGES)
    with pytest.raises(ArtifactError, match="adds the image itself"):
        add_gradient(lower(network), IMAGES)


def test_an_operation_without_a_gradient_is_named():
    network = quantized(Chain(8, stem(), nn.MaxPool2d(2)), IMAGES)
    with pytest.raises(ArtifactError, match=r"MaxPool \(layers/1\) has no integer gradient"):
        add_gradient(lower(network), IMAGES)
