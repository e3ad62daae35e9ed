"""Each method on small real networks, float and fake-quantised."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edge_runtime.errors import ArtifactError
from tests.networks import Chain, as_batch, depthwise, quantized, random_images, stem
from train.attribution import (
    METHODS,
    class_activation,
    gradient,
    gradient_times_input,
    smooth_grad,
)
from train.quantization import QuantizedNetwork

IMAGES = random_images(5, 24, 24)
CLASSES = torch.tensor([0, 1, 2, 1, 0])


@pytest.fixture(scope="module", params=["quantised", "float"])
def network(request: pytest.FixtureRequest) -> QuantizedNetwork:
    torch.manual_seed(0)
    made = quantized(Chain(8, stem(stride=2), depthwise(8, 3, 2)), IMAGES)
    made.quantize = request.param == "quantised"
    return made


@pytest.mark.parametrize("method", METHODS)
def test_the_map_of_an_image_does_not_depend_on_the_others(
    network: QuantizedNetwork, method: str
) -> None:
    together = METHODS[method](network, as_batch(IMAGES), CLASSES)
    alone = METHODS[method](network, as_batch(IMAGES[3:4]), CLASSES[3:4])
    torch.testing.assert_close(together[3:4], alone, rtol=1e-4, atol=1e-6)
    assert not together.requires_grad


def test_cells_of_a_class_activation_map_add_up_to_the_logit(network: QuantizedNetwork) -> None:
    image = as_batch(IMAGES)
    maps = class_activation(network, image, CLASSES)
    assert maps.shape == (5, 6, 6)
    logits = network(image).gather(1, CLASSES[:, None])[:, 0].detach()
    bias = network.layer_of(network.graph.logits.name).bias.detach()[CLASSES]
    # Fake-quantised, the mean, the bias and the logit are each rounded to a step.
    steps = 0.0
    if network.quantize:
        pooled = network.site_of(network.graph.features.name).scale
        row = network.effective_weight(network.graph.logits.name).abs().sum(dim=1).max()
        steps = float(network.site_of(network.graph.logits.name).scale + 0.5 * pooled * row)
    torch.testing.assert_close(maps.mean(dim=(1, 2)) + bias, logits, rtol=1e-4, atol=steps + 1e-5)


def test_a_classifier_of_two_layers_has_no_class_activation_map() -> None:
    class TwoLayers(Chain):
        def __init__(self) -> None:
            super().__init__(8, stem())
            self.classifier = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3))

    made = quantized(TwoLayers(), IMAGES)
    with pytest.raises(ArtifactError, match="needs global average pooling"):
        class_activation(made, as_batch(IMAGES), CLASSES)
    assert gradient(made, as_batch(IMAGES), CLASSES).shape == (5, 24, 24)


def test_the_gradient_is_what_moving_a_byte_does() -> None:
    torch.manual_seed(0)
    made = quantized(Chain(8, nn.Conv2d(3, 8, 3, padding=1)), IMAGES)
    made.quantize = False
    image = as_batch(IMAGES[:1])
    moved = image.clone()
    moved[0, :, 7, 9] += torch.tensor([1.0, 0.0, 0.0])
    change = (made(moved) - made(image)).detach()[0, 2].abs()
    # The network is linear, and the largest of the three channels counts.
    assert float(gradient(made, image, torch.tensor([2]))[0, 7, 9]) >= float(change) - 1e-6


def test_smooth_grad_without_noise_is_the_gradient(network: QuantizedNetwork) -> None:
    image = as_batch(IMAGES)
    still = smooth_grad(network, image, CLASSES, copies=2, levels=0.0)
    torch.testing.assert_close(still, gradient(network, image, CLASSES))
    moved = smooth_grad(network, image, CLASSES)
    assert not torch.allclose(moved, still)
    torch.testing.assert_close(moved, smooth_grad(network, image, CLASSES))


def test_the_input_mean_has_no_share_in_gradient_times_input(network: QuantizedNetwork) -> None:
    image = as_batch(IMAGES)
    image[:, :, 3:5] = network.config.input_mean
    maps = gradient_times_input(network, image, CLASSES)
    assert torch.all(maps[:, 3:5] == 0)
    assert torch.all(maps.amax(dim=(1, 2)) > 0)
