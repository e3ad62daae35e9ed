from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch

from edge_runtime.errors import UsageError
from tests.networks import as_batch, random_images
from train.backbones import BACKBONES, backbone_named, check_name, one_mean
from train.config import OptimizerConfig
from train.loop.optimization import quantized_optimizer, set_rates
from train.quantization import QuantizationConfig, QuantizedNetwork
from train.quantization.fake_quantize import ACTIVATION_QUANTIZERS, ActivationQuantizer

IMAGES = random_images(2, 64, 64)


@pytest.mark.parametrize("name", list(BACKBONES))
def test_every_backbone_folds_into_a_network_with_the_same_logits(name: str) -> None:
    torch.manual_seed(0)
    backbone = BACKBONES[name]
    module = backbone.make(3).eval()
    config = QuantizationConfig(input_mean=backbone.input_mean, input_std=backbone.input_std)
    network = QuantizedNetwork.from_model(module, 48, 64, config)
    image = torch.randint(0, 256, (2, 3, 48, 64)).float()
    with torch.no_grad():
        expected = module((image - backbone.input_mean) / backbone.input_std)
        torch.testing.assert_close(network(image), expected, rtol=1e-3, atol=1e-4)


@pytest.fixture(scope="module")
def trainable() -> Callable[[str], QuantizedNetwork]:
    """A folded backbone whose batch norm has seen images; captured once."""

    @cache
    def make(name: str) -> QuantizedNetwork:
        torch.manual_seed(0)
        backbone = BACKBONES[name]
        module = backbone.make(3)
        for part in module.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.momentum = 1.0
        with torch.no_grad():
            module.train()((as_batch(IMAGES) - backbone.input_mean) / backbone.input_std)
        config = QuantizationConfig(input_mean=backbone.input_mean, input_std=backbone.input_std)
        return QuantizedNetwork.from_model(module, *IMAGES.shape[1:3], config)

    return make


@pytest.mark.parametrize("quantizer", ACTIVATION_QUANTIZERS)
@pytest.mark.parametrize("name", list(BACKBONES))
def test_every_clip_of_every_backbone_has_a_gradient_and_moves(
    name: str, quantizer: ActivationQuantizer, trainable: Callable[[str], QuantizedNetwork]
) -> None:
    network = trainable(name).requantized(QuantizationConfig(4, 4, activation_quantizer=quantizer))
    network.calibrate([as_batch(IMAGES)], method="percentile", percentile=50.0)
    network.quantize = True
    with torch.no_grad():
        # PACT learns from clipped values only, and six logits may all lie inside.
        network.site_of(network.graph.logits.name).alpha.mul_(0.1)
    optimizer = quantized_optimizer(network, OptimizerConfig())
    set_rates(optimizer, 1.0)
    before = network.alphas()
    weights = torch.tensor([[1.0, -2.0, 3.5], [0.7, 4.0, -1.3]])
    (network(as_batch(IMAGES)) * weights).sum().backward()
    gradients = {site: network.site_of(site).alpha.grad for site in network.sites}
    assert [site for site, gradient in gradients.items() if not gradient] == []
    optimizer.step()
    after = network.alphas()
    assert [site for site in before if after[site] == before[site]] == []


def weights(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", [name for name, b in BACKBONES.items() if b.has_width])
def test_a_width_multiplier_changes_the_channels_and_not_the_classes(name: str) -> None:
    backbone = BACKBONES[name]
    half, whole, double = (backbone.make(3, width) for width in (0.5, 1.0, 2.0))
    assert weights(half) < 0.5 * weights(whole) < weights(whole) < 0.5 * weights(double)
    assert half.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 3)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18", "timm:resnet18"])
def test_a_network_of_one_width_refuses_another(name: str) -> None:
    with pytest.raises(UsageError, match=rf"{name} has no width multiplier.*--width 0\.5"):
        backbone_named(name).make(3, 0.5)


@pytest.mark.parametrize("name", ["vgg16", "timm:", "nets.py:make", "dir/nets:make", "a:b:c", ""])
def test_an_unknown_name_lists_what_can_be_chosen(name: str) -> None:
    with pytest.raises(UsageError, match=r"small_cnn.*timm:NAME or module:function"):
        backbone_named(name)


@pytest.mark.parametrize("name", ["nets:make", "package.nets:Net", "timm:resnet50.a1_in1k"])
def test_a_name_can_be_checked_without_looking_it_up(name: str) -> None:
    check_name(name)


def test_one_mean_is_the_average_of_the_channels_in_bytes() -> None:
    mean, deviation = one_mean((0.2, 0.4, 0.6), (0.1, 0.2, 0.3))
    assert mean == 102
    assert deviation == pytest.approx(51.0)
