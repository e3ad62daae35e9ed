"""What a network costs at given widths: bytes of its weights, and bit operations of an inference.

A bit operation count (BOPs) is the sum over layers of multiply-accumulates times the width of the
weight times the width of the activation that enters (Baskin et al., UNIQ, arXiv 1804.10969, without
the accumulator's logarithm). It compares arithmetic; no latency follows from it on kernels that
hold every width in bytes.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from train.quantization import NetworkGraph, QuantizedNetwork
from train.quantization.graph import Node

__all__ = ["Cost", "network_cost"]

_FLOAT_BITS = 32
_BIAS_BITS = 32


@dataclass(frozen=True)
class Cost:
    """Totals over all layers.

    Attributes:
        macs: multiply-accumulates of one inference.
        bit_operations: each times the widths of its two factors.
        weight_bytes: weights at their width, biases at 32 bit; without scales and structure.
    """

    macs: int
    bit_operations: int
    weight_bytes: int

    def to_json(self) -> dict[str, int]:
        """Plain JSON values."""
        return asdict(self)


def network_cost(network: QuantizedNetwork) -> Cost:
    """Count; at 32 bit throughout where the network does not quantise."""
    graph = network.graph
    macs = bit_operations = bits = 0
    for node in graph.nodes:
        if not node.has_weights:
            continue
        layer = network.layer_of(node.name)
        weight_bits, input_bits = _FLOAT_BITS, _FLOAT_BITS
        if network.quantize:
            weight_bits, input_bits = layer.bits, _input_bits(network, node)
        count = _positions(node) * layer.weight.numel()
        macs += count
        bit_operations += count * weight_bits * input_bits
        bits += layer.weight.numel() * weight_bits + layer.bias.numel() * _BIAS_BITS
    return Cost(macs, bit_operations, math.ceil(bits / 8))


def _positions(node: Node) -> int:
    """How often each weight is used: once for each place of the output."""
    return math.prod(node.shape[1:])


def _input_bits(network: QuantizedNetwork, node: Node) -> int:
    graph: NetworkGraph = network.graph
    source = node.inputs[0]
    return 8 if source == graph.image.name else network.site_of(source).bits
