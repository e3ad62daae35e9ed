"""How each forward operation is written in ONNX, integer or float."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from export import operations as ops
from export.gains import fold_gain
from export.onnx_format.graph import OnnxGraph

__all__ = ["FORWARD_RULES"]


def convolution(graph: OnnxGraph, operation: ops.Conv) -> None:
    """Of real values, between whose pairs ONNX Runtime fuses it into one of bytes."""
    top, bottom, left, right = operation.padding
    graph.emit(
        operation.output,
        lambda output: graph.node(
            "Conv",
            [graph.value(operation.input), *_weights(graph, operation)],
            output,
            kernel_shape=list(operation.weight.shape[2:]),
            strides=list(operation.stride),
            pads=[top, left, bottom, right],
            dilations=list(operation.dilation),
            group=operation.groups,
        ),
    )


def linear(graph: OnnxGraph, operation: ops.Linear) -> None:
    """As a Gemm, which ONNX Runtime fuses as it does a convolution."""
    graph.emit(
        operation.output,
        lambda output: graph.node(
            "Gemm",
            [graph.value(operation.input), *_weights(graph, operation)],
            output,
            transB=1,
        ),
    )


def _weights(graph: OnnxGraph, operation: ops.Conv | ops.Linear) -> list[str]:
    """Real-valued names of weight and bias; gradient convolutions have no bias."""
    prefix = f"{operation.name}/"
    if operation.weight_scale is None:
        return [
            graph.constant(f"{prefix}weight", operation.weight.astype(np.float32)),
            graph.constant(f"{prefix}bias", operation.bias.astype(np.float32)),
        ]
    weight, scale = operation.weight, operation.weight_scale
    if isinstance(operation, ops.Conv):
        weight, scale = fold_gain(operation, graph.gains)
    scales = graph.constant(f"{prefix}weight/scale", scale)
    zeros = graph.constant(f"{prefix}weight/zero_point", np.zeros(len(scale), np.int8))
    names = [graph.constant(f"{prefix}weight", weight), scales, zeros]
    real = [graph.node("DequantizeLinear", names, f"{prefix}weight/real", axis=0)]
    if np.any(operation.bias):
        input_scale = graph.spec(operation.input).scale
        assert input_scale is not None
        bias_scale = (np.float32(input_scale) * scale).astype(np.float32)
        names = [
            graph.constant(f"{prefix}bias", operation.bias),
            graph.constant(f"{prefix}bias/scale", bias_scale),
            graph.constant(f"{prefix}bias/zero_point", np.zeros(len(scale), np.int32)),
        ]
        real.append(graph.node("DequantizeLinear", names, f"{prefix}bias/real", axis=0))
    return real


def of_two(kind: str) -> Callable[[OnnxGraph, ops.Add | ops.Mul], None]:
    """The rule of a node that takes two real values, cell by cell; fused into one of bytes."""

    def rule(graph: OnnxGraph, operation: ops.Add | ops.Mul) -> None:
        graph.emit(
            operation.output,
            lambda output: graph.node(
                kind, [graph.value(name) for name in operation.inputs], output
            ),
        )

    return rule


def concat(graph: OnnxGraph, operation: ops.Concat) -> None:
    """Bytes are copied: all parts share one scale."""
    graph.node("Concat", list(operation.parts), operation.output, axis=1)


def max_pool(graph: OnnxGraph, operation: ops.MaxPool) -> None:
    """On bytes: their order is the order of the real values."""
    top, bottom, left, right = operation.padding
    graph.node(
        "MaxPool",
        [operation.input],
        operation.output,
        kernel_shape=list(operation.kernel),
        strides=list(operation.stride),
        pads=[top, left, bottom, right],
    )


def avg_pool(graph: OnnxGraph, operation: ops.AvgPool) -> None:
    """Of real values; fused into one of bytes."""
    graph.emit(
        operation.output,
        lambda output: graph.node(
            "AveragePool",
            [graph.value(operation.input)],
            output,
            kernel_shape=list(operation.kernel),
            strides=list(operation.stride),
        ),
    )


def global_avg_pool(graph: OnnxGraph, operation: ops.GlobalAvgPool) -> None:
    """Of real values; fused into one of bytes."""
    graph.emit(
        operation.output,
        lambda output: graph.node("GlobalAveragePool", [graph.value(operation.input)], output),
    )


def flatten(graph: OnnxGraph, operation: ops.Flatten) -> None:
    """On bytes, whose order is that of the cells already."""
    graph.node("Flatten", [operation.input], operation.output)


def dequantize(graph: OnnxGraph, operation: ops.Dequantize) -> None:
    """The way out: to real values, with nothing but outputs and tails behind them."""
    spec = graph.spec(operation.input)
    names = [operation.input, *graph.quantization(spec)]
    graph.node("DequantizeLinear", names, operation.output)


FORWARD_RULES: dict[type, Callable[[OnnxGraph, Any], None]] = {
    ops.Conv: convolution,
    ops.Linear: linear,
    ops.Add: of_two("Add"),
    ops.Mul: of_two("Mul"),
    ops.Concat: concat,
    ops.MaxPool: max_pool,
    ops.AvgPool: avg_pool,
    ops.GlobalAvgPool: global_avg_pool,
    ops.Flatten: flatten,
    ops.Dequantize: dequantize,
}
