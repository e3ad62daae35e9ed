"""Random weights in some layers of a folded network, as if those had never been trained."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from train.quantization.fake_quantize import BackwardPass
from train.quantization.forward import ForwardPass
from train.quantization.graph import Node
from train.quantization.layer import Layer
from train.quantization.network import QuantizedNetwork

__all__ = ["reinitialized"]


def reinitialized(
    network: QuantizedNetwork, names: Collection[str], image: Tensor, seed: int
) -> QuantizedNetwork:
    """A copy in which some layers are as a fresh network has them.

    In a folded network the batch norms are gone, and weights drawn without them would let the
    activations die or explode over many layers. So each layer gets what a fresh layer with a fresh
    batch norm behind it is worth after folding: normal weights and, per channel, the scale and bias
    that give its output mean 0 and deviation 1 on ``image``. The classifier, which has none, gets
    torch's own start. The clips are then calibrated anew on ``image``, also those of the layers
    that were kept, since what reaches them has changed.

    Args:
        network: calibrated, float or quantising; it is not changed.
        names: nodes with weights.
        image: float32 ``[N, 3, H, W]``, byte values; an image or two are few.
        seed: of the weights.

    Returns:
        A network that quantises if ``network`` does.
    """
    other = network.requantized(network.config)
    generator = torch.Generator().manual_seed(seed)
    last = other.graph.logits.name
    with torch.no_grad():
        for name in sorted(names):
            _draw(other.layer_of(name), generator, as_classifier=name == last)
        _NormalizingPass(other, frozenset(names) - {last}).run(image, (last,), quantize=False)
    other.calibrate([image])
    other.quantize = network.quantize
    return other


def _draw(layer: Layer, generator: torch.Generator, *, as_classifier: bool) -> None:
    """Normal weights, or uniform ones within 1 / sqrt(inputs) as ``nn.Linear`` starts."""
    shape = layer.weight.shape
    if as_classifier:
        drawn = (torch.rand(shape, generator=generator) * 2 - 1) * shape[1] ** -0.5
    else:
        drawn = torch.randn(shape, generator=generator)
    layer.weight.copy_(drawn)
    layer.bias.zero_()


class _NormalizingPass(ForwardPass):
    """A float pass that scales and shifts the channels of some layers on the way."""

    def __init__(self, network: QuantizedNetwork, names: Collection[str]) -> None:
        nodes = network.graph.nodes[1:]
        super().__init__(
            network.graph,
            {node.name: network.layer_of(node.name) for node in nodes if node.has_weights},
            {node.name: network.site_of(node.name) for node in nodes},
            input_mean=network.config.input_mean,
            input_std=network.config.input_std,
            state=BackwardPass(),
        )
        self._names = names

    def _weighted(self, node: Node, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        found = super()._weighted(node, x, weight, bias)
        if node.name not in self._names:
            return found
        axes = [axis for axis in range(found.dim()) if axis != 1]
        mean, deviation = found.mean(dim=axes), found.std(dim=axes)
        # A channel that is the same everywhere stays so.
        scale = torch.where(deviation > 1e-6 * deviation.max(), 1 / deviation, 0.0)
        weight.mul_(scale.reshape(-1, *[1] * (weight.dim() - 1)))
        bias.copy_(-mean * scale)
        shape = (1, -1, *[1] * (found.dim() - 2))
        return found * scale.reshape(shape) + bias.reshape(shape)
