"""How each forward operation is written in TFLite, integer or float."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from export import operations as ops
from export.gains import fold_gain
from export.program import ProgramTensor
from export.tflite_format.flatbuffer import schema
from export.tflite_format.graph import TfliteGraph, reshaped

__all__ = ["FORWARD_RULES"]

_SAME, _VALID = schema.Padding.SAME, schema.Padding.VALID


def convolution(graph: TfliteGraph, operation: ops.Conv) -> None:
    """CONV_2D, or DEPTHWISE_CONV_2D where each group has one input channel."""
    source, padding = _padded(graph, operation)
    weight, bias = _weights(graph, operation)
    options = {
        "strideH": operation.stride[0],
        "strideW": operation.stride[1],
        "dilationHFactor": operation.dilation[0],
        "dilationWFactor": operation.dilation[1],
        "padding": padding,
    }
    kind = "CONV_2D"
    if operation.is_depthwise:
        kind = "DEPTHWISE_CONV_2D"
        options["depthMultiplier"] = len(operation.weight) // operation.groups
    graph.emit(
        operation.output,
        lambda output, fused: graph.builder.operator(
            kind,
            [source, weight, bias],
            output,
            version=3,
            fusedActivationFunction=fused,
            **options,
        ),
    )


def _padded(graph: TfliteGraph, operation: ops.Conv) -> tuple[str, int]:
    """The input and the padding scheme.

    Case 1: none. Case 2: what the format calls SAME. Case 3: anything else, padded explicitly
    with the byte that stands for zero.
    """
    source = graph.source(operation.input)
    if not any(operation.padding):
        return source, _VALID
    spec = graph.spec(operation.input)
    same = [
        side
        for axis in (0, 1)
        for side in _same_padding(
            spec.shape[1 + axis],
            operation.weight.shape[2 + axis],
            operation.stride[axis],
            operation.dilation[axis],
        )
    ]
    if same == list(operation.padding):
        return source, _SAME
    top, bottom, left, right = operation.padding
    channels, height, width = spec.shape
    name = f"{operation.output}/padded"
    shape = (channels, height + top + bottom, width + left + right)
    is_real = not graph.spec(operation.output).is_integer
    graph.declare(name, reshaped(spec, shape, as_float=is_real))
    amounts = graph.integers(f"{name}/amounts", [[0, 0], [top, bottom], [left, right], [0, 0]])
    return graph.builder.operator("PAD", [source, amounts], name), _VALID


def _weights(graph: TfliteGraph, operation: ops.Conv | ops.Linear) -> tuple[str, str]:
    weight, scale = operation.weight, operation.weight_scale
    if isinstance(operation, ops.Linear):
        weight = weight[:, :, None, None]
    elif scale is not None:
        weight, scale = fold_gain(operation, graph.gains)
    depthwise = isinstance(operation, ops.Conv) and operation.is_depthwise
    layout = weight.transpose(1, 2, 3, 0) if depthwise else weight.transpose(0, 2, 3, 1)
    name = f"{operation.name}/weight"
    if scale is None:
        graph.builder.tensor(name, layout.shape, np.float32, data=layout)
        bias_name = f"{operation.name}/bias"
        bias_shape = operation.bias.shape
        graph.builder.tensor(bias_name, bias_shape, np.float32, data=operation.bias)
        return name, bias_name
    graph.builder.tensor(
        name, layout.shape, np.int8, scale=scale, axis=3 if depthwise else 0, data=layout
    )
    bias_scale = np.float32(graph.scale(graph.spec(operation.input))) * scale
    bias_name = graph.builder.tensor(
        f"{operation.name}/bias",
        operation.bias.shape,
        np.int32,
        scale=bias_scale,
        data=operation.bias,
    )
    return name, bias_name


def linear(graph: TfliteGraph, operation: ops.Linear) -> None:
    """As a convolution of one cell, since flat tensors stay ``[1, 1, 1, C]``."""
    weight, bias = _weights(graph, operation)
    graph.emit(
        operation.output,
        lambda output, fused: graph.builder.operator(
            "CONV_2D",
            [graph.source(operation.input), weight, bias],
            output,
            version=3,
            strideH=1,
            strideW=1,
            padding=_VALID,
            fusedActivationFunction=fused,
        ),
    )


def of_two(kind: str) -> Callable[[TfliteGraph, ops.Add | ops.Mul], None]:
    """The rule of an operator that takes two tensors, cell by cell."""

    def rule(graph: TfliteGraph, operation: ops.Add | ops.Mul) -> None:
        sources = [graph.source(name) for name in operation.inputs]
        graph.emit(
            operation.output,
            lambda output, fused: graph.builder.operator(
                kind, sources, output, version=2, fusedActivationFunction=fused
            ),
        )

    return rule


def concat(graph: TfliteGraph, operation: ops.Concat) -> None:
    """Bytes are copied: all parts share one scale."""
    sources = [graph.source(name) for name in operation.parts]
    target = graph.declare(operation.output)
    graph.builder.operator("CONCATENATION", sources, target, version=2, axis=3)


def max_pool(graph: TfliteGraph, operation: ops.MaxPool) -> None:
    """Padded with zeros where nothing is below zero, which XNNPACK takes, else with the least."""
    source = graph.source(operation.input)
    spec = graph.spec(operation.input)
    if any(operation.padding):
        top, bottom, left, right = operation.padding
        channels, height, width = spec.shape
        shape = (channels, height + top + bottom, width + left + right)
        name = graph.declare(
            f"{operation.output}/padded",
            reshaped(spec, shape, as_float=not spec.is_integer),
        )
        rows = [[0, 0], [top, bottom], [left, right], [0, 0]]
        amounts = graph.integers(f"{name}/amounts", rows)
        if spec.low == 0 if spec.is_integer else spec.native_clip is not None:
            source = graph.builder.operator("PAD", [source, amounts], name)
        else:
            least = _least(graph, spec)
            source = graph.builder.operator("PADV2", [source, amounts, least], name, version=2)
    _pool(graph, "MAX_POOL_2D", operation, source)


def _least(graph: TfliteGraph, spec: ProgramTensor) -> str:
    """A constant that never wins a maximum."""
    if spec.is_integer:
        return graph.byte(-128, graph.scale(spec), spec.zero_point + graph.offset(spec))
    lowest = np.array([np.finfo(np.float32).min], np.float32)
    return graph.builder.tensor("constant/least", (1,), np.float32, data=lowest)


def avg_pool(graph: TfliteGraph, operation: ops.AvgPool) -> None:
    """Case 1: float. Case 2: integers, as a depthwise convolution with equal weights.

    The integer AVERAGE_POOL_2D rounds halves up, everything else here to even; over many cells
    that difference adds up to whole steps.
    """
    spec = graph.spec(operation.input)
    if not spec.is_integer:
        _pool(graph, "AVERAGE_POOL_2D", operation, graph.source(operation.input))
        return
    cells = operation.kernel[0] * operation.kernel[1]
    channels = spec.shape[0]
    mean = ops.Conv(
        operation.input,
        operation.output,
        operation.output,
        np.ones((channels, 1, *operation.kernel), np.int8),
        np.full(channels, 1 / cells, np.float32),
        np.zeros(channels, np.int32),
        stride=operation.stride,
        groups=channels,
    )
    convolution(graph, mean)


def _pool(graph: TfliteGraph, kind: str, operation: ops.AvgPool | ops.MaxPool, source: str) -> None:
    graph.builder.operator(
        kind,
        [source],
        graph.declare(operation.output),
        version=2,
        filterHeight=operation.kernel[0],
        filterWidth=operation.kernel[1],
        strideH=operation.stride[0],
        strideW=operation.stride[1],
        padding=_VALID,
    )


def global_avg_pool(graph: TfliteGraph, operation: ops.GlobalAvgPool) -> None:
    """MEAN over height and width, which stay as sides of 1."""
    axes = graph.integers("axes/height_width", [1, 2])
    graph.emit(
        operation.output,
        lambda output, _fused: graph.builder.operator(
            "MEAN", [graph.source(operation.input), axes], output, version=2, keepDims=True
        ),
    )


def flatten(graph: TfliteGraph, operation: ops.Flatten) -> None:
    """Nothing to do: flat tensors stay ``[1, 1, 1, C]``."""
    graph.alias[operation.output] = graph.source(operation.input)


def dequantize(graph: TfliteGraph, operation: ops.Dequantize) -> None:
    """Into a tensor of its own: the output's name belongs to its final shape."""
    name = f"{operation.output}/cells"
    graph.declare(name, graph.spec(operation.output))
    graph.alias[operation.output] = name
    graph.builder.operator("DEQUANTIZE", [graph.source(operation.input)], name, version=2)


def _same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Before and after, as the format's SAME computes them."""
    outputs = -(-size // stride)
    total = max(0, (outputs - 1) * stride + dilation * (kernel - 1) + 1 - size)
    return total // 2, total - total // 2


FORWARD_RULES: dict[type, Callable[[TfliteGraph, Any], None]] = {
    ops.Conv: convolution,
    ops.Linear: linear,
    ops.Add: of_two("ADD"),
    ops.Mul: of_two("MUL"),
    ops.Concat: concat,
    ops.MaxPool: max_pool,
    ops.AvgPool: avg_pool,
    ops.GlobalAvgPool: global_avg_pool,
    ops.Flatten: flatten,
    ops.Dequantize: dequantize,
}
