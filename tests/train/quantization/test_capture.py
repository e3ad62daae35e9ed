"""What is captured computes what the model computed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edge_runtime.errors import ArtifactError
from tests.networks import NETWORKS, Chain, as_batch, random_images, stem
from train.quantization import NetworkGraph, QuantizationConfig, QuantizedNetwork, capture


@pytest.mark.parametrize("name", NETWORKS)
def test_the_folded_float_network_equals_the_model(name):
    torch.manual_seed(0)
    model = NETWORKS[name]().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    network = QuantizedNetwork.from_model(model, 17, 19, QuantizationConfig())
    batch = as_batch(random_images(2, 17, 19))
    with torch.no_grad():
        torch.testing.assert_close(network(batch), model((batch - 127) / 128), rtol=1e-4, atol=1e-5)


def test_names_come_from_the_modules():
    graph, _ = capture(Chain(8, stem()), torch.zeros(1, 3, 16, 16))
    assert [node.name for node in graph.nodes] == [
        "image",
        "layers/0/0",
        "global_avg_pool",
        "flatten",
        "classifier",
    ]


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (
            nn.SiLU(),
            r"silu.* in layers/1 \(tests/networks.py, line \d+\) cannot be quantised",
        ),
        (nn.LeakyReLU(), r"leaky_relu.*cannot be quantised"),
        (nn.AvgPool2d(3, 2, ceil_mode=True), r"ceil_mode is supported where every window is whole"),
        (nn.AvgPool2d(2, divisor_override=3), r"a divisor other than"),
        (nn.AvgPool2d(3, 1, 1), r"only average pooling without padding"),
        (nn.AdaptiveAvgPool2d(7), r"adaptive pooling from \[16, 16\] to \[7, 7\]"),
        (nn.ReflectionPad2d(1), r"zero padding"),
        (nn.ChannelShuffle(2), r"channel_shuffle.*cannot be quantised"),
    ],
)
def test_an_unsupported_operation_is_named_with_its_place(layer, sentence):
    with pytest.raises(ArtifactError, match=sentence):
        capture(Chain(8, stem(), layer), torch.zeros(1, 3, 16, 16))


@pytest.mark.parametrize("layer", [nn.AvgPool2d(2), nn.MaxPool2d(2)])
def test_the_image_itself_is_not_pooled(layer):
    with pytest.raises(ArtifactError, match="can only enter a convolution"):
        capture(Chain(8, layer, stem()), torch.zeros(1, 3, 16, 16))


def test_data_dependent_control_flow_is_one_sentence():
    class Moody(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(ArtifactError, match="Moody cannot be traced"):
        capture(Moody(), torch.zeros(1, 3, 8, 8))


@pytest.mark.parametrize(
    ("layer", "operation"),
    [
        (nn.AvgPool2d(2, ceil_mode=True), "avg_pool2d"),
        (nn.AdaptiveAvgPool2d(4), "avg_pool2d"),
        (nn.AdaptiveAvgPool2d(16), None),
    ],
)
def test_a_pool_whose_windows_are_whole_is_a_plain_pool(layer, operation):
    model = Chain(8, stem(), layer).eval()
    network = QuantizedNetwork.from_model(model, 16, 16, QuantizationConfig())
    found = [node.operation for node in network.graph.nodes if node.operation == "avg_pool2d"]
    assert found == ([operation] if operation else [])
    batch = as_batch(random_images(2, 16, 16))
    with torch.no_grad():
        torch.testing.assert_close(network(batch), model((batch - 127) / 128), rtol=1e-4, atol=1e-5)


class Weighted(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.gain = Chain(8, stem()), nn.Parameter(torch.ones(3))

    def forward(self, x):
        return self.stem(x) + self.gain


class Several(Chain):
    def forward(self, x):
        return super().forward(x), x


def test_a_weight_that_enters_no_layer_is_named():
    with pytest.raises(ArtifactError, match=r"only sums of two tensors|only enter a layer"):
        capture(Weighted(), torch.zeros(1, 3, 16, 16))


def test_a_network_gives_its_logits_alone():
    with pytest.raises(ArtifactError, match="gives 2 tensors"):
        capture(Several(8, stem()), torch.zeros(1, 3, 16, 16))


def test_batch_norm_behind_a_linear_layer_is_folded():
    model = nn.Sequential(Chain(8, stem()), nn.BatchNorm1d(3)).eval()
    nn.init.normal_(model[1].running_mean)
    network = QuantizedNetwork.from_model(model, 16, 16, QuantizationConfig())
    assert network.graph.logits.operation == "linear"
    batch = as_batch(random_images(2, 16, 16))
    with torch.no_grad():
        torch.testing.assert_close(network(batch), model((batch - 127) / 128), rtol=1e-4, atol=1e-5)


def test_a_network_must_end_in_a_linear_layer():
    with pytest.raises(ArtifactError, match="must end in a linear layer"):
        capture(stem(), torch.zeros(1, 3, 8, 8))


def test_sites_of_a_concatenation_are_one():
    graph, _ = capture(NETWORKS["concat"](), torch.zeros(1, 3, 16, 16))
    sites = graph.sites()
    joined = {
        sites[name] for node in graph.nodes if node.operation == "concat" for name in node.inputs
    }
    assert len(joined) == 1


def test_the_graph_survives_json():
    graph, _ = capture(NETWORKS["rectified_residual"](), torch.zeros(1, 3, 16, 16))
    restored = NetworkGraph.from_json(graph.to_json())
    assert restored.to_json() == graph.to_json()
    assert restored.sites() == graph.sites()
