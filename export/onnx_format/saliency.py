"""How each operation of a saliency graph is written in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto

from export import operations as ops
from export.onnx_format.graph import SIGNED_ZERO, OnnxGraph
from export.onnx_format.max_pool import POOL_GAIN, max_pool_gradient
from export.program import CLASS_INDEX, SALIENCY

__all__ = ["SALIENCY_RULES", "own_gain"]


def own_gain(operation: ops.Mask | ops.MaxPoolGradient) -> float:
    """What the product with a mask leaves on the gradient, see :func:`mask`."""
    return -1.0 / operation.gain if isinstance(operation, ops.Mask) else POOL_GAIN


def top_class(graph: OnnxGraph, operation: ops.TopClass) -> None:
    """ArgMax on bytes; the asked class wins unless it is -1."""
    prefix = f"{operation.output}/"
    top = graph.node("ArgMax", [operation.input], f"{prefix}top", axis=1, keepdims=0)
    top32 = graph.node("Cast", [top], f"{prefix}top32", to=TensorProto.INT32)
    zero = graph.constant(f"{prefix}zero", np.array([0], np.int32))
    unset = graph.node("Less", [CLASS_INDEX, zero], f"{prefix}unset")
    graph.node("Where", [unset, top32, CLASS_INDEX], operation.output)


def class_row(graph: OnnxGraph, operation: ops.ClassRow) -> None:
    """The row of the classifier that belongs to the class, looked up as bytes."""
    table = (operation.table.astype(np.int16) + SIGNED_ZERO).astype(np.uint8)
    rows = graph.constant(f"{operation.output}/table", table)
    row = graph.node("Gather", [rows, operation.input], f"{operation.output}/row", axis=0)
    shape = graph.constant(
        f"{operation.output}/shape", np.array([1, table.shape[1], 1, 1], np.int64)
    )
    graph.node("Reshape", [row, shape], operation.output)


def class_map(graph: OnnxGraph, operation: ops.ClassMap) -> None:
    """One of the maps of all classes, looked up behind the dequantisation."""
    picked = f"{operation.output}/picked"
    graph.node("Gather", [operation.maps, operation.index], picked, axis=1)
    axis = graph.constant(f"{operation.output}/axis", np.array([1], np.int64))
    graph.node("Squeeze", [picked, axis], operation.output)


def mask(graph: OnnxGraph, operation: ops.Mask) -> None:
    """Two multiplications.

    Case 1: the same bytes, read from their lower and from their upper limit, multiplied: zero
    exactly where one limit is met, below zero elsewhere; quantised so coarsely that the result
    is 255 at a limit and 0 inside.
    Case 2: those bytes, read at zero point 255 and scale 1/255, are 0 at a limit and -1 inside;
    the minus is the gain of the result.
    """
    name, activation = operation.activation, graph.spec(operation.activation)
    outside = f"{name}/outside"
    if outside not in graph.real:
        offset = SIGNED_ZERO if activation.signed else 0
        one = graph.constant("mask/one", np.array(1.0, np.float32))
        limits = [
            graph.node(
                "DequantizeLinear",
                [name, one, graph.constant(f"zero_point/{byte}", np.array(byte, np.uint8))],
                f"{name}/from_{side}",
            )
            for side, byte in (
                ("low", np.uint8(activation.clipped_below + offset)),
                ("high", np.uint8(activation.high + offset)),
            )
        ]
        product = graph.node("Mul", limits, f"{name}/limits")
        mask = [
            graph.constant("mask/scale", np.array(1 / 255, np.float32)),
            graph.constant("zero_point/255", np.array(255, np.uint8)),
        ]
        graph.node("QuantizeLinear", [product, *mask], outside)
        graph.real[outside] = graph.node("DequantizeLinear", [outside, *mask], f"{outside}/real")
    graph.emit(
        operation.output,
        lambda output: graph.node(
            "Mul", [graph.value(operation.gradient), graph.real[outside]], output
        ),
    )


def channel_slice(graph: OnnxGraph, operation: ops.ChannelSlice) -> None:
    """Bytes are copied."""
    prefix, count = f"{operation.output}/", graph.spec(operation.output).shape[0]
    bounds = [
        graph.constant(f"{prefix}{name}", np.array([value], np.int64))
        for name, value in (
            ("start", operation.start),
            ("end", operation.start + count),
            ("axis", 1),
        )
    ]
    graph.node("Slice", [operation.input, *bounds], operation.output)


def zero_insert(graph: OnnxGraph, operation: ops.ZeroInsert) -> None:
    """Zeros behind each cell's channels, then behind each row, with the channels last.

    ONNX Runtime runs its convolutions with the channels last and cancels the transpositions, so
    that whole cells are moved. DepthToSpace and Resize move byte by byte in that order.
    """
    prefix, (rows, columns) = f"{operation.output}/", operation.stride
    channels, height, width = graph.spec(operation.input).shape
    size = graph.spec(operation.output).shape[1:]
    zero = graph.constant(f"zero_point/{SIGNED_ZERO}", np.array(SIGNED_ZERO, np.uint8))

    def integers(name: str, values: list[int]) -> str:
        return graph.constant(f"{prefix}{name}", np.array(values, np.int64))

    def reshaped(source: str, name: str, shape: list[int]) -> str:
        return graph.node("Reshape", [source, integers(f"{name}/shape", shape)], f"{prefix}{name}")

    def padded(source: str, name: str, amount: int) -> str:
        amounts = integers(f"{name}/amounts", [0, 0, 0, amount])
        return graph.node("Pad", [source, amounts, zero], f"{prefix}{name}")

    last = graph.node("Transpose", [operation.input], f"{prefix}last", perm=[0, 2, 3, 1])
    cells = reshaped(last, "cells", [height * width, channels])
    wide = padded(cells, "wide", channels * (columns - 1))
    row = width * columns * channels
    high = padded(reshaped(wide, "rows", [height, row]), "high", row * (rows - 1))
    full = [height * rows, width * columns]
    spread = reshaped(high, "whole", [1, *full, channels])
    if list(size) != full:
        bounds = [
            integers("starts", [0, 0]),
            integers("ends", list(size)),
            integers("axes", [1, 2]),
        ]
        spread = graph.node("Slice", [spread, *bounds], f"{prefix}cut")
    graph.node("Transpose", [spread], operation.output, perm=[0, 3, 1, 2])


def depth_to_space(graph: OnnxGraph, operation: ops.DepthToSpace) -> None:
    """Bytes are moved."""
    graph.node(
        "DepthToSpace", [operation.input], operation.output, blocksize=operation.block, mode="DCR"
    )


def peak(graph: OnnxGraph, operation: ops.Peak) -> None:
    """The farther of the largest and the smallest byte from zero."""
    prefix = f"{operation.output}/"
    axes = graph.constant("axes/all", np.array([1, 2, 3], np.int64))
    zero = graph.constant("peak/zero", np.array([SIGNED_ZERO], np.int32))
    ends = []
    for kind in ("ReduceMax", "ReduceMin"):
        byte = graph.node(kind, [operation.input, axes], f"{prefix}{kind}", keepdims=0)
        wide = graph.node("Cast", [byte], f"{byte}32", to=TensorProto.INT32)
        terms = [wide, zero] if kind == "ReduceMax" else [zero, wide]
        ends.append(graph.node("Sub", terms, f"{byte}/distance"))
    graph.node("Max", ends, operation.output)


def product(graph: OnnxGraph, operation: ops.Product) -> None:
    """The gradient times the other factor."""
    graph.emit(
        operation.output,
        lambda output: graph.node(
            "Mul", [graph.value(operation.gradient), graph.value(operation.activation)], output
        ),
    )


def global_sum(graph: OnnxGraph, operation: ops.GlobalSum) -> None:
    """As a mean; the number of cells is in the output's gain."""
    graph.emit(
        operation.output,
        lambda output: graph.node("GlobalAveragePool", [graph.value(operation.input)], output),
    )


def rescale(graph: OnnxGraph, operation: ops.Rescale) -> None:
    """One multiplication with a byte from the table."""
    prefix = f"{operation.output}/"
    table = graph.constant(f"{prefix}table", operation.table.astype(np.uint8))
    byte = graph.node("Gather", [table, operation.peak], f"{prefix}byte", axis=0)
    shape = graph.constant("shape/scalar", np.array([1, 1, 1, 1], np.int64))
    factor = graph.node("Reshape", [byte, shape], f"{prefix}factor")
    quantization = [
        graph.constant("factor/scale", np.array(1 / ops.FACTOR_LEVELS, np.float32)),
        graph.constant("zero_point/0", np.array(0, np.uint8)),
    ]
    real = graph.node("DequantizeLinear", [factor, *quantization], f"{prefix}factor/real")
    graph.emit(
        operation.output,
        lambda output: graph.node("Mul", [graph.value(operation.gradient), real], output),
    )


def saliency_magnitude(graph: OnnxGraph, operation: ops.SaliencyMagnitude) -> None:
    """The largest magnitude over channels; what each rescaling did is looked up and undone."""
    magnitude = graph.node("Abs", [graph.value(operation.input)], f"{SALIENCY}/magnitude")
    axes = graph.constant(f"{SALIENCY}/axes", np.array([1], np.int64))
    steps = operation.rescaled
    output = operation.output if not steps else f"{SALIENCY}/rescaled"
    graph.node("ReduceMax", [magnitude, axes], output, keepdims=0)
    for position, step in enumerate(steps):
        table = graph.constant(f"{step.output}/inverse", step.inverse)
        factor = graph.node("Gather", [table, step.peak], f"{step.output}/undo", axis=0)
        last = position == len(steps) - 1
        target = operation.output if last else f"{step.output}/undone"
        output = graph.node("Mul", [output, factor], target)


SALIENCY_RULES: dict[type, Callable[[OnnxGraph, Any], None]] = {
    ops.TopClass: top_class,
    ops.ClassRow: class_row,
    ops.ClassMap: class_map,
    ops.Mask: mask,
    ops.MaxPoolGradient: max_pool_gradient,
    ops.ChannelSlice: channel_slice,
    ops.Product: product,
    ops.GlobalSum: global_sum,
    ops.ZeroInsert: zero_insert,
    ops.DepthToSpace: depth_to_space,
    ops.Peak: peak,
    ops.Rescale: rescale,
    ops.SaliencyMagnitude: saliency_magnitude,
}
