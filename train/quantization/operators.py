"""The ATen operations that can be quantised: a function for each writes the graph's node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from train.quantization.fx_nodes import (
    FxNode,
    activation_kind,
    convolution_padding,
    module_name,
    pair,
    unsupported,
)
from train.quantization.gating import hard_sigmoid, hard_swish, multiply
from train.quantization.graph import Node, non_negative
from train.quantization.partial_graph import PartialGraph
from train.quantization.pooling import adaptive_avg_pool, avg_pool, max_pool, mean

__all__ = ["HANDLERS"]


def convolution(captured: PartialGraph, fx_node: FxNode) -> None:
    """Case 1: plain. Case 2: behind a constant zero pad, which joins the padding."""
    arguments = dict(
        zip(
            ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
            fx_node.args,
            strict=False,
        )
    )
    arguments.update(fx_node.kwargs)
    source, extra = captured.padding.get(arguments["input"], (arguments["input"], [0, 0, 0, 0]))
    weight = captured.tensor(arguments["weight"])
    dilation = pair(arguments.get("dilation", 1))
    padding = convolution_padding(arguments.get("padding", 0), weight.shape[2:], dilation)
    name = captured.add(
        fx_node,
        module_name(fx_node, "conv2d"),
        "conv2d",
        (captured.source(source),),
        {
            "stride": pair(arguments.get("stride", 1)),
            "padding": [a + b for a, b in zip(padding, extra, strict=True)],
            "dilation": dilation,
            "groups": int(arguments.get("groups", 1)),
        },
    )
    captured.add_parameters(name, weight, arguments.get("bias"))


def pad(captured: PartialGraph, fx_node: FxNode) -> None:
    """Keep a constant zero pad of the two image axes for the convolution behind it."""
    mode = fx_node.args[2] if len(fx_node.args) > 2 else "constant"
    value = fx_node.args[3] if len(fx_node.args) > 3 else 0.0
    amounts = [int(amount) for amount in fx_node.args[1]]
    if mode != "constant" or (value or 0.0) != 0.0 or len(amounts) > 4:
        raise unsupported(fx_node, "only constant zero padding of height and width is supported")
    left, right, top, bottom = amounts + [0] * (4 - len(amounts))
    captured.padding[fx_node] = (fx_node.args[0], [top, bottom, left, right])


def batch_norm(captured: PartialGraph, fx_node: FxNode) -> None:
    """Case 1: behind a layer that nobody else reads: folded. Case 2: a layer of its own."""
    source = fx_node.args[0]
    gamma, beta = (
        None if tensor is None else captured.tensor(tensor) for tensor in fx_node.args[1:3]
    )
    mean, variance = (captured.tensor(tensor) for tensor in fx_node.args[3:5])
    scale = torch.rsqrt(variance + fx_node.args[7])
    if gamma is not None:
        scale = scale * gamma
    shift = -mean * scale + (0.0 if beta is None else beta)
    name = captured.source(source)
    node = captured.nodes[name]
    if node.has_weights and node.activation == "none" and len(source.users) == 1:
        weight, bias = captured.parameters[f"{name}.weight"], captured.parameters[f"{name}.bias"]
        captured.parameters[f"{name}.weight"] = weight * scale.reshape(
            -1, *[1] * (weight.dim() - 1)
        )
        captured.parameters[f"{name}.bias"] = bias * scale + shift
        captured.alias[fx_node] = name
        return
    captured.add_channel_layer(fx_node, module_name(fx_node, "batch_norm"), scale, shift)


def activation(captured: PartialGraph, fx_node: FxNode) -> None:
    """Absorb ReLU or ReLU6 into the node in front of it.

    Case 1: that node is never negative and the function is ReLU: nothing to do.
    Case 2: that node has no other reader and no activation yet: absorbed.
    Case 3: any other, as where a residual branch starts with a ReLU: absorbed by a layer of its own
        that multiplies by one, which 8, 4 and 2 bit hold exactly.
    """
    kind = activation_kind(fx_node)
    source = fx_node.args[0]
    name = captured.source(source)
    node = captured.nodes[name]
    if kind == "relu" and name in non_negative(captured.nodes.values()):
        captured.alias[fx_node] = name
        return
    absorbs = node.operation in ("conv2d", "linear", "add")
    if not absorbs or node.activation != "none" or len(source.users) > 1:
        ones = torch.ones(node.shape[0])
        own = module_name(fx_node, kind)
        name = captured.add_channel_layer(fx_node, own, ones, torch.zeros_like(ones))
    captured.nodes[name] = replace(captured.nodes[name], activation=kind)
    captured.alias[fx_node] = name


def add(captured: PartialGraph, fx_node: FxNode) -> None:
    """Case 1: a sum of two tensors of one shape. Case 2: plus zero: the tensor itself."""
    left, right = fx_node.args[:2]
    tensors = [value for value in (left, right) if isinstance(value, torch.fx.Node)]
    numbers = [value for value in (left, right) if not isinstance(value, torch.fx.Node)]
    if numbers == [0]:
        captured.alias[fx_node] = captured.source(tensors[0])
        return
    same_shape = len(tensors) == 2 and left.meta["val"].shape == right.meta["val"].shape
    if not same_shape or fx_node.kwargs.get("alpha", 1) != 1:
        raise unsupported(fx_node, "only sums of two tensors of one shape are supported")
    inputs = (captured.source(left), captured.source(right))
    captured.add(fx_node, module_name(fx_node, "add", own=True), "add", inputs, {})


def concat(captured: PartialGraph, fx_node: FxNode) -> None:
    """A concatenation along the channels."""
    axis = fx_node.args[1] if len(fx_node.args) > 1 else 0
    if axis not in (1, -3):
        raise unsupported(fx_node, "only concatenation of channels is supported")
    inputs = tuple(captured.source(item) for item in fx_node.args[0])
    captured.add(fx_node, module_name(fx_node, "concat", own=True), "concat", inputs, {})


def flatten(captured: PartialGraph, fx_node: FxNode) -> None:
    """A reshape from ``[N, C, H, W]`` to ``[N, C*H*W]``; nothing where it is flat already."""
    source = captured.source(fx_node.args[0])
    shape, before = fx_node.meta["val"].shape, captured.nodes[source].shape
    if len(shape) != 2 or shape[0] != 1:
        raise unsupported(fx_node, "only flattening all but the batch is supported")
    if len(before) == 1:
        captured.alias[fx_node] = source
        return
    if before[1:] not in ((), (1, 1)):
        raise unsupported(fx_node, "flattening is understood behind global pooling only")
    if captured.nodes[source].operation == "conv2d" and _becomes_linear(captured, source):
        captured.alias[fx_node] = source
        return
    captured.add(fx_node, module_name(fx_node, "flatten"), "flatten", (source,), {})


def _becomes_linear(captured: PartialGraph, name: str) -> bool:
    """Make a 1 x 1 convolution of one cell, as some classifiers are, the linear layer that it is.

    It takes the place of the convolution; the flattening goes in front of it.
    """
    node = captured.nodes[name]
    before = captured.nodes[node.inputs[0]]
    weight = captured.parameters[f"{name}.weight"]
    if before.shape[1:] != (1, 1) or weight.shape[1:] != (before.shape[0], 1, 1):
        return False
    flat = f"{name}/flatten"
    del captured.nodes[name]
    captured.nodes[flat] = Node(flat, "flatten", node.inputs, shape=before.shape[:1])
    captured.nodes[name] = Node(name, "linear", (flat,), {}, node.activation, node.shape[:1])
    captured.parameters[f"{name}.weight"] = weight.flatten(1)
    return True


def identity(captured: PartialGraph, fx_node: FxNode) -> None:
    """Dropout in evaluation mode, contiguous, clone: the tensor itself."""
    captured.alias[fx_node] = captured.source(fx_node.args[0])


def whole_slice(captured: PartialGraph, fx_node: FxNode) -> None:
    """A slice that leaves nothing out, as an index of ``[:, :, :, :]`` gives."""
    if fx_node.meta["val"].shape != fx_node.args[0].meta["val"].shape:
        raise unsupported(fx_node, "a part of the channels or pixels cannot be taken")
    identity(captured, fx_node)


def linear(captured: PartialGraph, fx_node: FxNode) -> None:
    """A fully connected layer on flat features."""
    name = captured.add(
        fx_node,
        module_name(fx_node, "linear"),
        "linear",
        (captured.source(fx_node.args[0]),),
        {},
    )
    bias = fx_node.args[2] if len(fx_node.args) > 2 else None
    captured.add_parameters(name, captured.tensor(fx_node.args[1]), bias)


HANDLERS: dict[str, Callable[[PartialGraph, FxNode], None]] = {
    "conv2d": convolution,
    "pad": pad,
    "constant_pad_nd": pad,
    "batch_norm": batch_norm,
    "relu": activation,
    "relu6": activation,
    "hardtanh": activation,
    "add": add,
    "mul": multiply,
    "hardswish": hard_swish,
    "hardsigmoid": hard_sigmoid,
    "cat": concat,
    "max_pool2d": max_pool,
    "avg_pool2d": avg_pool,
    "adaptive_avg_pool2d": adaptive_avg_pool,
    "mean": mean,
    "flatten": flatten,
    "view": flatten,
    "reshape": flatten,
    "squeeze": flatten,
    "dropout": identity,
    "contiguous": identity,
    "clone": identity,
    "alias": identity,
    "detach": identity,
    "slice": whole_slice,
    "linear": linear,
}
