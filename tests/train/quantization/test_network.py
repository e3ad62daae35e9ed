"""The quantised network learns its ranges and survives a round trip to disk."""

from __future__ import annotations

import pytest
import torch

from edge_runtime.errors import ArtifactError, DataError
from tests.networks import EXPLAINED, as_batch, quantized, random_images
from train.quantization import QuantizationConfig, QuantizedNetwork, load_network, save_network

IMAGES = random_images(8, 24, 24)
LABELS = torch.arange(8) % 3


def _network(bits=(8, 8)):
    torch.manual_seed(0)
    return quantized(EXPLAINED["linear_residual"](), IMAGES, bits)


def test_quantising_needs_calibration_first():
    network = QuantizedNetwork.from_model(EXPLAINED["plain"](), 24, 24, QuantizationConfig())
    with pytest.raises(ArtifactError, match="calibrate"):
        network.quantize = True


def test_calibration_needs_images():
    network = QuantizedNetwork.from_model(EXPLAINED["plain"](), 24, 24, QuantizationConfig())
    with pytest.raises(DataError, match="no image"):
        network.calibrate([])


@pytest.mark.parametrize("method", ["percentile", "mse"])
def test_eight_bits_stay_close_to_float(method):
    network = _network()
    network.calibrate([as_batch(IMAGES)], method=method)
    with torch.no_grad():
        quantised = network(as_batch(IMAGES))
        network.quantize = False
        exact = network(as_batch(IMAGES))
    assert (quantised - exact).abs().max() < 0.05 * exact.abs().max()


@pytest.mark.parametrize("bits", [(8, 8), (4, 4), (2, 2)])
def test_every_alpha_that_clips_has_a_gradient_and_moves(bits):
    network = _network(bits).train()
    for name in network.sites:
        network.calibrate([as_batch(IMAGES)], percentile=100.0)
        alpha = network.site_of(name).alpha
        with torch.no_grad():
            alpha.mul_(0.5)
        before = alpha.item()
        optimizer = torch.optim.SGD(network.alpha_parameters(), lr=0.1)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(as_batch(IMAGES)), LABELS).backward()
        optimizer.step()
        assert alpha.item() != before, name


def test_alphas_stay_positive():
    network = _network()
    with torch.no_grad():
        for alpha in network.alpha_parameters():
            alpha.fill_(-3.0)
    network.clamp_alphas()
    assert min(network.alphas().values()) > 0


def test_first_and_last_layer_keep_eight_bits():
    network = _network((2, 4))
    first, last = network.graph.first_layer.name, network.graph.logits.name
    assert [network.layer_of(name).bits for name in (first, last)] == [8, 8]
    assert [network.site_of(name).bits for name in (first, last)] == [8, 8]
    inner = [name for name in network.layers if name not in (first, last)]
    assert {network.layer_of(name).bits for name in inner} == {2}
    assert {network.site_of(name).bits for name in inner} == {4}


def test_a_network_of_other_widths_has_the_same_float_function_and_no_ranges():
    network = _network()
    other = network.requantized(QuantizationConfig(4, 2, "sawb", input_mean=0, input_std=1.0))
    assert (other.config.input_mean, other.config.input_std) == (127, 128.0)
    assert (other.config.activation_bits, other.config.weight_bits) == (4, 2)
    with pytest.raises(ArtifactError, match="calibrate"):
        other.quantize = True
    network.quantize = False
    with torch.no_grad():
        assert torch.equal(other(as_batch(IMAGES)), network(as_batch(IMAGES)))
        other.layer_of("classifier").weight.zero_()
    assert network.layer_of("classifier").weight.any()


def test_clipped_share_counts_the_values_at_the_limit():
    network = _network()
    network.calibrate([as_batch(IMAGES)], percentile=50.0)
    shares = network.clipped_share(as_batch(IMAGES))
    assert set(shares) == set(network.sites)
    assert 0 < shares[network.graph.first_layer.name] < 0.6


def test_a_checkpoint_gives_the_same_logits_without_the_model(tmp_path):
    network = _network((4, 4))
    save_network(tmp_path / "net.safetensors", network, {"classes": ["a", "b", "c"]})
    restored, metadata = load_network(tmp_path / "net.safetensors")
    assert metadata == {"classes": ["a", "b", "c"]}
    with torch.no_grad():
        assert torch.equal(restored(as_batch(IMAGES)), network(as_batch(IMAGES)))


def test_equal_networks_are_equal_files(tmp_path):
    for name in ("a", "b"):
        save_network(tmp_path / f"{name}.safetensors", _network(), {"classes": ["a", "b", "c"]})
    files = [(tmp_path / f"{name}.safetensors").read_bytes() for name in ("a", "b")]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda network: network.layer_of("classifier").weight.fill_(torch.nan), "not finite"),
        (
            lambda network: network.site_of("classifier").alpha.fill_(0.0),
            "clip value of classifier",
        ),
    ],
)
def test_a_checkpoint_with_impossible_values_is_refused(tmp_path, damage, sentence):
    network = _network()
    with torch.no_grad():
        damage(network)
    save_network(tmp_path / "net.safetensors", network, {})
    with pytest.raises(ArtifactError, match=sentence):
        load_network(tmp_path / "net.safetensors")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\xff" * 64])
def test_a_damaged_checkpoint_is_one_sentence(tmp_path, content):
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"net\.safetensors"):
        load_network(path)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(ArtifactError, match="no checkpoint"):
        load_network(tmp_path / "gone.safetensors")
