"""Hard-swish, hard sigmoid and products with a gate, as nodes of the graph.

Hard-swish is ``x relu6(x + 3) / 6`` and its second factor a hard sigmoid (Howard et al., Searching
for MobileNetV3, arXiv 1905.02244, section 5.2). A hard sigmoid is a depthwise convolution of one
cell, ``x / 6 + 1 / 2``, whose site clips it to 0..1. So no operation needs a table or a float.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from train.quantization.fx_nodes import FxNode, module_name, unsupported
from train.quantization.partial_graph import PartialGraph

__all__ = ["hard_sigmoid", "hard_swish", "multiply"]


def hard_swish(captured: PartialGraph, fx_node: FxNode) -> None:
    """``x`` times its own hard sigmoid."""
    gate = _gate(captured, fx_node)
    inputs = (captured.source(fx_node.args[0]), gate)
    captured.add(fx_node, module_name(fx_node, "mul", own=True), "mul", inputs, {})


def hard_sigmoid(captured: PartialGraph, fx_node: FxNode) -> None:
    """``clamp(x / 6 + 1 / 2, 0, 1)``."""
    captured.alias[fx_node] = _gate(captured, fx_node)


def multiply(captured: PartialGraph, fx_node: FxNode) -> None:
    """Case 1: two tensors of one shape. Case 2: a map and one number for each channel."""
    factors = fx_node.args[:2]
    if any(not isinstance(factor, torch.fx.Node) for factor in factors):
        raise unsupported(fx_node, "only products of two tensors are supported")
    shapes = [tuple(factor.meta["val"].shape[1:]) for factor in factors]
    # Case 2.
    gates = [len(shape) == 3 and shape[1:] == (1, 1) for shape in shapes]
    if shapes[0] != shapes[1] and not (any(gates) and shapes[0][0] == shapes[1][0]):
        raise unsupported(
            fx_node,
            "only products of two tensors of one shape, or with one number for each "
            "channel, are supported",
        )
    first, second = (captured.source(factor) for factor in factors)
    inputs = (second, first) if gates[0] and not gates[1] else (first, second)
    captured.add(fx_node, module_name(fx_node, "mul", own=True), "mul", inputs, {})


def _gate(captured: PartialGraph, fx_node: FxNode) -> str:
    channels = captured.nodes[captured.source(fx_node.args[0])].shape[0]
    scale, shift = torch.full((channels,), 1 / 6), torch.full((channels,), 0.5)
    name = captured.add_channel_layer(
        fx_node, module_name(fx_node, "hard_sigmoid", own=True), scale, shift
    )
    captured.nodes[name] = replace(captured.nodes[name], activation="relu1")
    return name
