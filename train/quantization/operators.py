"""The ATen operations that can be quantised: a function for each writes the graph's node."""

from __future__ import annotations

from collections.abc import Callable

import torch

from train.quantization.fx_nodes import (
    FxNode,
    activation_kind,
    base_name,
    convolution_padding,
    module_name,
    pair,
    unsupported,
)
from train.quantization.graph import Node, non_negative
from train.quantization.partial_graph import PartialGraph

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
    """Fold into the convolution in front of it, which nobody else may read."""
    source = fx_node.args[0]
    name = captured.alias.get(source, "")
    node = captured.nodes.get(name)
    is_bare = node is not None and (node.operation, node.activation) == ("conv2d", "none")
    if not is_bare or len(source.users) > 1:
        raise unsupported(fx_node, "batch norm must follow a convolution of its own")
    gamma, beta = (
        None if tensor is None else captured.tensor(tensor) for tensor in fx_node.args[1:3]
    )
    mean, variance = (captured.tensor(tensor) for tensor in fx_node.args[3:5])
    scale = torch.rsqrt(variance + fx_node.args[7])
    if gamma is not None:
        scale = scale * gamma
    weight, bias = captured.parameters[f"{name}.weight"], captured.parameters[f"{name}.bias"]
    captured.parameters[f"{name}.weight"] = weight * scale.reshape(-1, 1, 1, 1)
    captured.parameters[f"{name}.bias"] = (bias - mean) * scale + (0.0 if beta is None else beta)
    captured.alias[fx_node] = name


def activation(captured: PartialGraph, fx_node: FxNode) -> None:
    """Absorb ReLU or ReLU6 into the node in front of it.

    Case 1: that node is never negative and the function is ReLU: nothing to do.
    Case 2: that node has no other reader and no activation yet: absorbed.
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
        raise unsupported(fx_node, "an activation must follow a layer or sum of its own")
    captured.nodes[name] = Node(
        name, node.operation, node.inputs, node.attributes, kind, node.shape
    )
    captured.alias[fx_node] = name


def add(captured: PartialGraph, fx_node: FxNode) -> None:
    """A sum of two tensors of one shape."""
    left, right = fx_node.args[:2]
    same_shape = (
        isinstance(left, torch.fx.Node)
        and isinstance(right, torch.fx.Node)
        and left.meta["val"].shape == right.meta["val"].shape
    )
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


def max_pool(captured: PartialGraph, fx_node: FxNode) -> None:
    """Max pooling over a window without dilation."""
    if len(fx_node.args) > 4 and pair(fx_node.args[4]) != [1, 1]:
        raise unsupported(fx_node, "only max pooling without dilation is supported")
    _pool(captured, fx_node, "max_pool2d")


def avg_pool(captured: PartialGraph, fx_node: FxNode) -> None:
    """Average pooling over a window without padding."""
    padding = pair(fx_node.args[3]) if len(fx_node.args) > 3 else [0, 0]
    if padding != [0, 0]:
        raise unsupported(fx_node, "only average pooling without padding is supported")
    _pool(captured, fx_node, "avg_pool2d")


def _pool(captured: PartialGraph, fx_node: FxNode, operation: str) -> None:
    kernel = pair(fx_node.args[1])
    stride = pair(fx_node.args[2]) if len(fx_node.args) > 2 and fx_node.args[2] else kernel
    height, width = pair(fx_node.args[3]) if len(fx_node.args) > 3 else [0, 0]
    ceil_mode_position = 5 if operation == "max_pool2d" else 4
    if fx_node.args[ceil_mode_position : ceil_mode_position + 1] == (True,):
        raise unsupported(fx_node, "ceil_mode is not supported")
    captured.add(
        fx_node,
        module_name(fx_node, operation),
        operation,
        (captured.source(fx_node.args[0]),),
        {"kernel": kernel, "stride": stride, "padding": [height, height, width, width]},
    )


def global_avg_pool(captured: PartialGraph, fx_node: FxNode) -> None:
    """The mean over height and width, from a pooling module or ``mean``."""
    is_mean = base_name(fx_node) == "mean"
    source = fx_node.args[0]
    if is_mean and sorted(axis % 4 for axis in fx_node.args[1]) != [2, 3]:
        raise unsupported(fx_node, "only the mean over height and width is supported")
    if not is_mean and pair(fx_node.args[1]) != [1, 1]:
        raise unsupported(fx_node, "only adaptive pooling to 1 x 1 is supported")
    name = module_name(fx_node, "global_avg_pool")
    captured.add(fx_node, name, "global_avg_pool", (captured.source(source),), {})


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
    captured.add(fx_node, module_name(fx_node, "flatten"), "flatten", (source,), {})


def identity(captured: PartialGraph, fx_node: FxNode) -> None:
    """Dropout in evaluation mode, contiguous, clone: the tensor itcaptured."""
    captured.alias[fx_node] = captured.source(fx_node.args[0])


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
    "cat": concat,
    "max_pool2d": max_pool,
    "avg_pool2d": avg_pool,
    "adaptive_avg_pool2d": global_avg_pool,
    "mean": global_avg_pool,
    "flatten": flatten,
    "view": flatten,
    "reshape": flatten,
    "squeeze": flatten,
    "dropout": identity,
    "contiguous": identity,
    "clone": identity,
    "linear": linear,
}
