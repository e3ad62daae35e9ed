"""How the gradient of a max pooling is written in ONNX."""

from __future__ import annotations

import numpy as np

from export import operations as ops
from export.onnx_format.graph import SIGNED_ZERO, OnnxGraph
from export.pooling_windows import PoolingWindows

__all__ = ["POOL_GAIN", "max_pool_gradient"]

# A share is a product with the mask's -1.
POOL_GAIN = -1.0


def max_pool_gradient(graph: OnnxGraph, operation: ops.MaxPoolGradient) -> None:
    """Three integer kernels for each place in a window, see ``MaxPoolGradient``.

    Case 1: a place's bytes differ from the maximum's: the maximum plus the complement of the place,
    read from 255, is their distance; quantised so coarsely that it is 255, and 0 where they agree.
    Case 2: those bytes, read at zero point 255 and scale 1/255, are 0 where they differ and -1
    where they agree: times what is left of the gradient, the place's share, with a minus.
    Case 3: read at zero point 0 they are 1 where they differ: times what is left, the new rest.
    """
    windows = PoolingWindows.of(graph.program, operation)
    spec, prefix = graph.spec(operation.output), f"{operation.output}/"
    complement = _padded_complement(graph, operation, windows)
    rest, shares = operation.gradient, {}
    for place in windows.places:
        name = f"{prefix}{place.row}_{place.column}/"
        starts, steps = [place.row, place.column], [windows.step, windows.step]
        ends = [
            start + windows.step * (count - 1) + 1
            for start, count in zip(starts, windows.pooled, strict=True)
        ]
        cells = _slice(graph, complement, starts, ends, f"{name}cells", steps)
        differs = _sum(
            graph,
            _real(graph, operation.maximum, 1.0, 0, "maximum"),
            _real(graph, cells, 1.0, 255, "negative"),
            f"{name}differs",
            _quantization(graph, 1 / 255, 0),
        )
        share = _product(
            graph,
            _rest(graph, rest, operation),
            _real(graph, differs, 1 / 255, 255, "agree"),
            f"{name}share",
            graph.quantization(spec),
        )
        shares[place] = _shifted(graph, share, windows, place.shift)
        if place != windows.places[-1]:
            rest = _product(
                graph,
                _rest(graph, rest, operation),
                _real(graph, differs, 1 / 255, 0, "differ"),
                f"{name}rest",
                graph.quantization(graph.spec(operation.gradient)),
            )
    phases = []
    for members in windows.phases:
        total = shares[members[0]]
        for member in members[1:]:
            left, right = (
                _dequantized(graph, name, graph.quantization(spec), "summand")
                for name in (total, shares[member])
            )
            output = f"{prefix}{member.row}_{member.column}/sum"
            total = _sum(graph, left, right, output, graph.quantization(spec))
        phases.append(total)
    _interleave(graph, phases, windows, operation.output)


def _padded_complement(
    graph: OnnxGraph, operation: ops.MaxPoolGradient, windows: PoolingWindows
) -> str:
    """255 minus each byte of the source, with 255, the least, around it."""
    minus_one = _real(
        graph, graph.constant("pool/minus_one", np.array(0, np.uint8)), 1.0, 1, "real"
    )
    name = f"{operation.output}/complement"
    source = _real(graph, operation.source, 1.0, 255, "from_255")
    _product(graph, source, minus_one, name, _quantization(graph, 1.0, 0))
    if not any(windows.padding):
        return name
    top, bottom, left, right = windows.padding
    pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
    least = graph.constant("zero_point/255", np.array(255, np.uint8))
    padded = f"{name}/padded"
    return graph.node("Pad", [name, graph.constant(f"{padded}/pads", pads), least], padded)


def _shifted(graph: OnnxGraph, share: str, windows: PoolingWindows, shift: tuple[int, int]) -> str:
    """A share among zeros, where its cells lie in the phase."""
    behind = [
        whole - count - before
        for whole, count, before in zip(windows.phase, windows.pooled, shift, strict=True)
    ]
    if not any((*shift, *behind)):
        return share
    pads = np.array([0, 0, *shift, 0, 0, *behind], np.int64)
    zero = graph.constant(f"zero_point/{SIGNED_ZERO}", np.array(SIGNED_ZERO, np.uint8))
    name = f"{share}/shifted"
    return graph.node("Pad", [share, graph.constant(f"{name}/pads", pads), zero], name)


def _interleave(graph: OnnxGraph, phases: list[str], windows: PoolingWindows, output: str) -> None:
    """Phases to cells, without the padding."""
    joined = phases[0]
    if windows.step > 1:
        graph.node("Concat", phases, f"{output}/phases", axis=1)
        joined = graph.node(
            "DepthToSpace",
            [f"{output}/phases"],
            f"{output}/cells",
            blocksize=windows.step,
            mode="DCR",
        )
    starts = [windows.padding[0], windows.padding[2]]
    ends = [start + size for start, size in zip(starts, windows.size, strict=True)]
    _slice(graph, joined, starts, ends, output, [1, 1])


def _slice(
    graph: OnnxGraph, source: str, starts: list[int], ends: list[int], output: str, steps: list[int]
) -> str:
    """Rows and columns."""
    bounds = [
        graph.constant(f"{output}/{name}", np.array(values, np.int64))
        for name, values in (
            ("starts", starts),
            ("ends", ends),
            ("axes", [2, 3]),
            ("steps", steps),
        )
    ]
    return graph.node("Slice", [source, *bounds], output)


def _rest(graph: OnnxGraph, name: str, operation: ops.MaxPoolGradient) -> str:
    """What is left of the gradient, read as the gradient."""
    return _dequantized(graph, name, graph.quantization(graph.spec(operation.gradient)), "real")


def _real(graph: OnnxGraph, name: str, scale: float, zero_point: int, reading: str) -> str:
    """Bytes read with a quantisation of one's own."""
    return _dequantized(graph, name, _quantization(graph, scale, zero_point), reading)


def _dequantized(graph: OnnxGraph, name: str, quantization: list[str], reading: str) -> str:
    output = f"{name}/{reading}"
    if output not in graph.real:
        graph.real[output] = graph.node("DequantizeLinear", [name, *quantization], output)
    return output


def _quantization(graph: OnnxGraph, scale: float, zero_point: int) -> list[str]:
    return [
        graph.constant(f"pool/scale/{np.float32(scale)}", np.array(scale, np.float32)),
        graph.constant(f"zero_point/{zero_point}", np.array(zero_point, np.uint8)),
    ]


def _sum(graph: OnnxGraph, left: str, right: str, output: str, quantization: list[str]) -> str:
    graph.node("Add", [left, right], f"{output}/unquantized")
    return graph.node("QuantizeLinear", [f"{output}/unquantized", *quantization], output)


def _product(graph: OnnxGraph, left: str, right: str, output: str, quantization: list[str]) -> str:
    graph.node("Mul", [left, right], f"{output}/unquantized")
    return graph.node("QuantizeLinear", [f"{output}/unquantized", *quantization], output)
