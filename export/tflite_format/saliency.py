"""How each operation of a saliency graph is written in TFLite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edge_runtime.errors import ArtifactError
from export import operations as ops
from export.program import CLASS_INDEX, SALIENCY, Program, ProgramTensor
from export.tflite_format.flatbuffer import schema
from export.tflite_format.graph import TfliteGraph, reshaped
from export.tflite_format.max_pool import max_pool_gradient

__all__ = ["SALIENCY_RULES", "own_gain"]


def top_class(graph: TfliteGraph, operation: ops.TopClass) -> None:
    """ARG_MAX on bytes; the asked class wins unless it is -1."""
    prefix = f"{operation.output}/"
    spec = graph.spec(operation.input)
    flat = graph.builder.tensor(
        f"{prefix}flat", (1, spec.shape[0]), np.int8, scale=graph.scale(spec)
    )
    graph.reshape(graph.source(operation.input), flat, [1, spec.shape[0]])
    top = graph.builder.tensor(f"{prefix}top", (1,), np.int32)
    axis = graph.integers(f"{prefix}axis", [1])
    graph.builder.operator(
        "ARG_MAX", [flat, axis], top, version=2, outputType=schema.TensorType.INT32
    )
    unset = graph.builder.tensor(f"{prefix}unset", (1,), np.bool_)
    zero = graph.integers(f"{prefix}zero", [0])
    graph.builder.operator("LESS", [CLASS_INDEX, zero], unset)
    used = graph.builder.tensor(operation.output, (1,), np.int32)
    graph.builder.operator("SELECT_V2", [unset, top, CLASS_INDEX], used)


def class_row(graph: TfliteGraph, operation: ops.ClassRow) -> None:
    """The row of the classifier that belongs to the class, looked up as bytes."""
    spec = graph.spec(operation.output)
    scale = graph.scale(spec)
    table, row = f"{operation.output}/table", f"{operation.output}/row"
    shape = operation.table.shape
    graph.builder.tensor(table, shape, np.int8, scale=scale, data=operation.table)
    graph.builder.tensor(row, (1, shape[1]), np.int8, scale=scale)
    graph.builder.operator("GATHER", [table, operation.input], row, version=2)
    target = graph.declare(operation.output)
    graph.reshape(row, target, [1, 1, 1, shape[1]])


def class_map(graph: TfliteGraph, operation: ops.ClassMap) -> None:
    """One of the maps of all classes, looked up behind the dequantisation."""
    spec = graph.spec(operation.output)
    picked = graph.builder.tensor(f"{operation.output}/picked", (1, *spec.shape, 1), np.float32)
    inputs = [graph.source(operation.maps), operation.index]
    graph.builder.operator("GATHER", inputs, picked, axis=3)
    graph.builder.tensor(operation.output, (1, *spec.shape), np.float32)
    graph.reshape(picked, operation.output, [1, *spec.shape])


def own_gain(program: Program, operation: ops.Mask | ops.MaxPoolGradient) -> float:
    """What the mask's product leaves on the gradient, see :func:`mask`."""
    if isinstance(operation, ops.MaxPoolGradient):
        return 1.0
    return -_inside(program.tensors[operation.activation]) / operation.gain


def _inside(spec: ProgramTensor) -> float:
    """What the mask is worth (negated) inside its limits: at most the smallest product there.

    A power of two, so that taking the gain off again changes no bit of a multiplier: a near-tie
    that rounds otherwise than in the reference would grow from layer to layer.
    """
    assert spec.scale is not None
    width = spec.high - spec.clipped_below
    return float(2.0 ** np.floor(np.log2(spec.scale**2 * (width - 1))))


def mask(graph: TfliteGraph, operation: ops.Mask) -> None:
    """Two multiplications and one or two subtractions.

    Case 1: distance from the lower limit times distance from the upper one: zero exactly where
    a limit is met, below zero elsewhere; at zero point 127 and a coarse scale the result is 127
    at a limit (zero) and -128 inside (one negative number, the mask's part of the gain).
    Case 2: the gradient times that. A tensor that is clipped at zero is its own distance from it.
    """
    spec = graph.spec(operation.activation)
    if operation.activation not in graph.masks:
        graph.masks[operation.activation] = _outside(graph, operation.activation, spec)
    outside = graph.masks[operation.activation]
    gradient = graph.source(operation.gradient)
    graph.emit(
        operation.output,
        lambda output, _fused: graph.builder.operator(
            "MUL", [gradient, outside], output, version=2
        ),
    )


def _outside(graph: TfliteGraph, name: str, spec: ProgramTensor) -> str:
    scale = graph.scale(spec)
    source = graph.source(name)
    shape = (1, *spec.shape[1:], spec.shape[0]) if len(spec.shape) == 3 else (1, 1, 1, *spec.shape)
    offset = graph.offset(spec)

    def distance(side: str, limit: int, zero_point: int) -> str:
        target = f"{name}/from_{side}"
        graph.builder.tensor(target, shape, np.int8, scale=scale, zero_point=zero_point)
        bound = graph.byte(limit + offset, scale, offset)
        return graph.builder.operator("SUB", [source, bound], target, version=2)

    above = distance("high", spec.high, 127)
    below = distance("low", spec.clipped_below, -128) if spec.clipped_below else source
    outside = graph.builder.tensor(
        f"{name}/outside", shape, np.int8, scale=_inside(spec) / 255, zero_point=127
    )
    return graph.builder.operator("MUL", [below, above], outside, version=2)


def channel_slice(graph: TfliteGraph, operation: ops.ChannelSlice) -> None:
    """Bytes are copied."""
    count, height, width = graph.spec(operation.output).shape
    begin = graph.integers(f"{operation.output}/begin", [0, 0, 0, operation.start])
    size = graph.integers(f"{operation.output}/size", [1, height, width, count])
    source, target = graph.source(operation.input), graph.declare(operation.output)
    graph.builder.operator("SLICE", [source, begin, size], target, version=2)


def zero_insert(graph: TfliteGraph, operation: ops.ZeroInsert) -> None:
    """Zero channels behind the tensor's own, then depth to space."""
    step = operation.stride[0]
    if operation.stride != (step, step):
        raise ArtifactError(
            f"{operation.output} needs different strides for height and width; no integer "
            "saliency graph can be written for it."
        )
    source, spec = graph.source(operation.input), graph.spec(operation.input)
    channels, height, width = spec.shape
    wide = (channels * step * step, height, width)
    padded = graph.declare(f"{operation.output}/padded", reshaped(spec, wide))
    extra = channels * (step * step - 1)
    amounts = graph.integers(f"{padded}/amounts", [[0, 0], [0, 0], [0, 0], [0, extra]])
    graph.builder.operator("PAD", [source, amounts], padded)
    full = (channels, height * step, width * step)
    whole = graph.spec(operation.output).shape == full
    spread = operation.output if whole else f"{operation.output}/whole"
    graph.declare(spread, reshaped(spec, full))
    graph.builder.operator("DEPTH_TO_SPACE", [padded], spread, blockSize=step)
    if not whole:
        begin = graph.integers(f"{operation.output}/begin", [0, 0, 0, 0])
        size = graph.integers(f"{operation.output}/size", [1, *operation.size, channels])
        graph.declare(operation.output)
        graph.builder.operator("SLICE", [spread, begin, size], operation.output, version=2)


def depth_to_space(graph: TfliteGraph, operation: ops.DepthToSpace) -> None:
    """Bytes are moved."""
    target = graph.declare(operation.output)
    source = graph.source(operation.input)
    graph.builder.operator("DEPTH_TO_SPACE", [source], target, blockSize=operation.block)


def peak(graph: TfliteGraph, operation: ops.Peak) -> None:
    """The farther of the largest and the smallest integer from zero."""
    prefix = f"{operation.output}/"
    builder, scale = graph.builder, graph.scale(graph.spec(operation.input))
    axes = graph.integers("axes/all", [1, 2, 3])
    ends = []
    for kind in ("REDUCE_MAX", "REDUCE_MIN"):
        byte = builder.tensor(f"{prefix}{kind}", (1,), np.int8, scale=scale)
        builder.operator(kind, [graph.source(operation.input), axes], byte, version=2)
        ends.append(builder.tensor(f"{byte}32", (1,), np.int32))
        builder.operator("CAST", [byte], ends[-1])
    zero = graph.integers("peak/zero", [0])
    below = builder.tensor(f"{prefix}below", (1,), np.int32)
    builder.operator("SUB", [zero, ends[1]], below)
    builder.tensor(operation.output, (1,), np.int32)
    builder.operator("MAXIMUM", [ends[0], below], operation.output)


def product(graph: TfliteGraph, operation: ops.Product) -> None:
    """The gradient times the other factor."""
    sources = [graph.source(name) for name in operation.inputs]
    graph.emit(
        operation.output,
        lambda output, _fused: graph.builder.operator("MUL", sources, output, version=2),
    )


def global_sum(graph: TfliteGraph, operation: ops.GlobalSum) -> None:
    """As a mean; the number of cells is in the output's gain."""
    axes = graph.integers("axes/height_width", [1, 2])
    graph.emit(
        operation.output,
        lambda output, _fused: graph.builder.operator(
            "MEAN", [graph.source(operation.input), axes], output, version=2, keepDims=True
        ),
    )


def rescale(graph: TfliteGraph, operation: ops.Rescale) -> None:
    """One multiplication with a byte from the table."""
    prefix = f"{operation.output}/"
    builder, scale = graph.builder, 1 / ops.FACTOR_LEVELS
    column = operation.table.reshape(-1, 1)
    table = builder.tensor(f"{prefix}table", column.shape, np.int8, scale=scale, data=column)
    byte = builder.tensor(f"{prefix}byte", (1, 1), np.int8, scale=scale)
    builder.operator("GATHER", [table, operation.peak], byte, version=2)
    factor = builder.tensor(f"{prefix}factor", (1, 1, 1, 1), np.int8, scale=scale)
    graph.reshape(byte, factor, [1, 1, 1, 1])
    gradient = graph.source(operation.gradient)
    graph.emit(
        operation.output,
        lambda output, _fused: builder.operator("MUL", [gradient, factor], output, version=2),
    )


def saliency_magnitude(graph: TfliteGraph, operation: ops.SaliencyMagnitude) -> None:
    """The largest magnitude over channels; what each rescaling did is looked up and undone."""
    builder, spec = graph.builder, graph.spec(operation.input)
    shape = (1, *spec.shape[1:], spec.shape[0])
    real = builder.tensor(f"{SALIENCY}/real", shape, np.float32)
    builder.operator("DEQUANTIZE", [graph.source(operation.input)], real, version=2)
    magnitude = builder.tensor(f"{SALIENCY}/magnitude", shape, np.float32)
    builder.operator("ABS", [real], magnitude)
    axes = graph.integers("axes/channels", [3])
    steps = operation.rescaled
    flat = (1, *spec.shape[1:])
    output = operation.output if not steps else f"{SALIENCY}/rescaled"
    builder.tensor(output, flat, np.float32)
    builder.operator("REDUCE_MAX", [magnitude, axes], output)
    for position, step in enumerate(steps):
        table = f"{step.output}/inverse"
        builder.tensor(table, step.inverse.shape, np.float32, data=step.inverse)
        factor = builder.tensor(f"{step.output}/undo", (1,), np.float32)
        builder.operator("GATHER", [table, step.peak], factor)
        last = position == len(steps) - 1
        target = operation.output if last else f"{step.output}/undone"
        builder.tensor(target, flat, np.float32)
        output = builder.operator("MUL", [output, factor], target)


SALIENCY_RULES: dict[type, Callable[[TfliteGraph, Any], None]] = {
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
