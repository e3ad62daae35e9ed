"""How the gradient of a max pooling is written in TFLite."""

from __future__ import annotations

import numpy as np

from export import operations as ops
from export.pooling_windows import Place, PoolingWindows
from export.tflite_format.graph import TfliteGraph, nhwc, reshaped

__all__ = ["max_pool_gradient"]

_LEAST = -128


def max_pool_gradient(graph: TfliteGraph, operation: ops.MaxPoolGradient) -> None:
    """Three integer kernels for each place in a window, see ``MaxPoolGradient``.

    Case 1: the maximum minus the place, quantised so coarsely that it is one wherever they differ.
    Case 2: what is left of the gradient times that: the new rest.
    Case 3: the old rest minus the new one: the place's share.
    """
    windows = PoolingWindows.of(graph.program, operation)
    channels = graph.spec(operation.source).shape[0]
    flat = (1, *windows.pooled, channels)
    gradient_scale = graph.scale(graph.spec(operation.gradient))
    phases = _phases(graph, operation, windows)
    maximum = _steps(graph, operation.maximum, f"{operation.output}/maximum")
    rest, shares = graph.source(operation.gradient), {}
    for place in windows.places:
        name = f"{operation.output}/{place.row}_{place.column}/"
        cells = _cells(graph, operation, phases, windows, place)
        differs = graph.builder.tensor(
            f"{name}differs", flat, np.int8, scale=1 / 255, zero_point=_LEAST
        )
        graph.builder.operator("SUB", [maximum, cells], differs, version=2)
        after = graph.builder.tensor(f"{name}rest", flat, np.int8, scale=gradient_scale)
        graph.builder.operator("MUL", [rest, differs], after, version=2)
        share = _like_output(graph, operation, f"{name}share", (channels, *windows.pooled))
        graph.builder.operator("SUB", [rest, after], share, version=2)
        shares[place] = _shifted(graph, operation, share, windows, place.shift)
        rest = after
    totals = []
    for members in windows.phases:
        total = shares[members[0]]
        for member in members[1:]:
            name = f"{operation.output}/{member.row}_{member.column}/sum"
            target = _like_output(graph, operation, name, (channels, *windows.phase))
            total = graph.builder.operator("ADD", [total, shares[member]], target, version=2)
        totals.append(total)
    _interleave(graph, operation, windows, totals)


def _steps(graph: TfliteGraph, name: str, output: str) -> str:
    """The same bytes as whole numbers: a distance of one step is a distance of one."""
    spec = graph.spec(name)
    zero_point, per_step = graph.offset(spec), 1 / graph.scale(spec)
    target = graph.builder.tensor(
        output, nhwc(spec.shape), np.int8, scale=1.0, zero_point=zero_point
    )
    one = graph.byte(1, per_step, 0)
    return graph.builder.operator("MUL", [graph.source(name), one], target, version=2)


def _phases(graph: TfliteGraph, operation: ops.MaxPoolGradient, windows: PoolingWindows) -> str:
    """The padded source, its phases behind one another in the channels."""
    name = f"{operation.output}/source"
    source, spec = _steps(graph, operation.source, name), graph.spec(operation.source)
    channels, zero_point = spec.shape[0], graph.offset(spec)
    whole = tuple(size * windows.step for size in windows.phase)
    if any(windows.padding):
        top, bottom, left, right = windows.padding
        padded = graph.builder.tensor(
            f"{name}/padded", (1, *whole, channels), np.int8, scale=1.0, zero_point=zero_point
        )
        amounts = graph.integers(
            f"{padded}/amounts", [[0, 0], [top, bottom], [left, right], [0, 0]]
        )
        if spec.low == 0:
            # A zero that wins takes nothing from anybody: there is no gradient at zero.
            source = graph.builder.operator("PAD", [source, amounts], padded)
        else:
            least = graph.byte(_LEAST, 1.0, zero_point)
            source = graph.builder.operator("PADV2", [source, amounts, least], padded, version=2)
    if windows.step == 1:
        return source
    apart = graph.builder.tensor(
        f"{name}/phases",
        (1, *windows.phase, channels * windows.step**2),
        np.int8,
        scale=1.0,
        zero_point=zero_point,
    )
    return graph.builder.operator(
        "SPACE_TO_DEPTH", [source], apart, version=2, blockSize=windows.step
    )


def _cells(
    graph: TfliteGraph,
    operation: ops.MaxPoolGradient,
    phases: str,
    windows: PoolingWindows,
    place: Place,
) -> str:
    """What all windows hold at one place."""
    spec = graph.spec(operation.source)
    channels = spec.shape[0]
    output = f"{operation.output}/{place.row}_{place.column}/cells"
    position = (place.row % windows.step) * windows.step + place.column % windows.step
    begin = graph.integers(f"{output}/begin", [0, *place.shift, position * channels])
    size = graph.integers(f"{output}/size", [1, *windows.pooled, channels])
    flat = (1, *windows.pooled, channels)
    target = graph.builder.tensor(output, flat, np.int8, scale=1.0, zero_point=graph.offset(spec))
    return graph.builder.operator("SLICE", [phases, begin, size], target, version=2)


def _shifted(
    graph: TfliteGraph,
    operation: ops.MaxPoolGradient,
    share: str,
    windows: PoolingWindows,
    shift: tuple[int, int],
) -> str:
    """A share among zeros, where its cells lie in the phase."""
    rows, columns = (
        (before, whole - count - before)
        for whole, count, before in zip(windows.phase, windows.pooled, shift, strict=True)
    )
    if not any((*rows, *columns)):
        return share
    channels = graph.spec(operation.source).shape[0]
    target = _like_output(graph, operation, f"{share}/shifted", (channels, *windows.phase))
    amounts = graph.integers(f"{target}/amounts", [[0, 0], rows, columns, [0, 0]])
    return graph.builder.operator("PAD", [share, amounts], target)


def _interleave(
    graph: TfliteGraph,
    operation: ops.MaxPoolGradient,
    windows: PoolingWindows,
    phases: list[str],
) -> None:
    """Phases to cells, without the padding."""
    channels, step = graph.spec(operation.source).shape[0], windows.step
    joined = phases[0]
    if step > 1:
        name = f"{operation.output}/phases"
        target = _like_output(graph, operation, name, (channels * step**2, *windows.phase))
        graph.builder.operator("CONCATENATION", phases, target, version=2, axis=3)
        whole = tuple(size * step for size in windows.phase)
        joined = _like_output(graph, operation, f"{operation.output}/cells", (channels, *whole))
        graph.builder.operator("DEPTH_TO_SPACE", [target], joined, blockSize=step)
    begin = graph.integers(
        f"{operation.output}/begin", [0, windows.padding[0], windows.padding[2], 0]
    )
    size = graph.integers(f"{operation.output}/size", [1, *windows.size, channels])
    target = graph.declare(operation.output)
    graph.builder.operator("SLICE", [joined, begin, size], target, version=2)


def _like_output(
    graph: TfliteGraph, operation: ops.MaxPoolGradient, name: str, shape: tuple[int, ...]
) -> str:
    """A tensor of the output's scale."""
    return graph.declare(name, reshaped(graph.spec(operation.output), shape))
