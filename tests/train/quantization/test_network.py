"""The quantised network learns its ranges and survives a round trip to disk."""

from __future__ import annotations

import pytest
import torch

from edge_runtime.errors import ArtifactError, DataError
from tests.networks import NETWORKS, as_batch, quantized, random_images
from train.quantization import QuantizationConfig, QuantizedNetwork, load_network, save_network

IMAGES = random_images(8, 24, 24)
LABELS = torch.arange(8) % 3


def _network(bits=(8, 8), weight_quantizer="max"):
    torch.manual_seed(0)
    return quantized(NETWORKS["linear_residual"](), IMAGES, bits, weight_quantizer)


def test_quantising_needs_calibration_first():
    network = QuantizedNetwork.from_model(NETWORKS["plain"](), 24, 24, QuantizationConfig())
    with pytest.raises(ArtifactError, match="calibrate"):
        network.quantize = True


def test_calibration_needs_images():
    network = QuantizedNetwork.from_model(NETWORKS["plain"](), 24, 24, QuantizationConfig())
    with pytest.raises(DataError, match="no image"):
        network.calibrate([])


def test_the_least_squared_error_spends_few_levels_on_the_bulk():
    """Below 8 bit ``auto`` is ``mse``: closer to float than the percentile, and never wider."""
    network, errors, widths = _network((8, 2)), {}, {}
    for method in ("auto", "percentile"):
        network.calibrate([as_batch(IMAGES)], method=method)
        widths[method] = network.alphas()
        with torch.no_grad():
            network.quantize = True
            quantised = network(as_batch(IMAGES))
            network.quantize = False
            errors[method] = float((quantised - network(as_batch(IMAGES))).square().mean())
    assert errors["auto"] < errors["percentile"]
    assert all(widths["auto"][site] <= widths["percentile"][site] * 1.01 for site in network.sites)
    # The first layer and the logits have 8 bits.
    assert widths["auto"]["layers/0/0"] == widths["percentile"]["layers/0/0"]


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


def test_clips_and_learned_steps_stay_positive():
    network = _network((4, 4), "lsq")
    with torch.no_grad():
        for parameter in (*network.alpha_parameters(), *network.gain_parameters()):
            parameter.fill_(-3.0)
    network.clamp_ranges()
    assert min(network.alphas().values()) > 0
    for name in network.layers:
        assert network.layer_of(name).integers(torch.tensor(1.0)).scale.min() > 0


@pytest.mark.parametrize("bits", [(8, 8), (4, 4), (2, 2)])
def test_every_learned_step_has_a_gradient_and_moves(bits):
    network = _network(bits, "lsq").train()
    gains = network.gain_parameters()
    assert len(gains) == len(network.layers)
    optimizer = torch.optim.SGD(gains, lr=1.0)
    torch.nn.functional.cross_entropy(network(as_batch(IMAGES)), LABELS).backward()
    # A channel that is rectified away on all images has none.
    assert all(gain.grad.count_nonzero() >= gain.numel() / 2 for gain in gains)
    optimizer.step()
    assert all((gain != 1).sum() >= gain.numel() / 2 for gain in gains)


def test_only_learned_steps_make_parameters_of_their_own():
    assert _network().gain_parameters() == []
    lsq = _network((4, 4), "lsq")
    assert not {id(p) for p in lsq.gain_parameters()} & {id(p) for p in lsq.network_parameters()}


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


@pytest.mark.parametrize("weight_quantizer", ["max", "sawb", "lsq"])
def test_a_checkpoint_gives_the_same_logits_without_the_model(tmp_path, weight_quantizer):
    network = _network((4, 4), weight_quantizer)
    with torch.no_grad():
        for gain in network.gain_parameters():
            gain.uniform_(0.5, 1.5)
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
