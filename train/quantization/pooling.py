"""The pooling operations of ATen, as nodes of the graph."""

from __future__ import annotations

from train.quantization.fx_nodes import FxNode, module_name, pair, unsupported
from train.quantization.partial_graph import PartialGraph

__all__ = ["adaptive_avg_pool", "avg_pool", "max_pool", "mean"]


def max_pool(captured: PartialGraph, fx_node: FxNode) -> None:
    """Max pooling over a window without dilation; ``ceil_mode`` pads below and to the right."""
    if len(fx_node.args) > 4 and pair(fx_node.args[4]) != [1, 1]:
        raise unsupported(fx_node, "only max pooling without dilation is supported")
    kernel, stride, padding = _window(fx_node)
    beyond = _beyond_the_edge(fx_node, kernel, stride, padding)
    (height, width), (bottom, right) = padding, beyond
    sides = [height, height + max(bottom, 0), width, width + max(right, 0)]
    _add_pool(captured, fx_node, "max_pool2d", kernel, stride, sides)


def avg_pool(captured: PartialGraph, fx_node: FxNode) -> None:
    """Average pooling over a window without padding."""
    kernel, stride, padding = _window(fx_node)
    if padding != [0, 0]:
        raise unsupported(fx_node, "only average pooling without padding is supported")
    if len(fx_node.args) > 6 and fx_node.args[6] is not None:
        raise unsupported(fx_node, "a divisor other than the window's size is not supported")
    if max(_beyond_the_edge(fx_node, kernel, stride, padding)) > 0:
        raise unsupported(
            fx_node, "ceil_mode is supported where every window is whole; choose another --size"
        )
    _add_pool(captured, fx_node, "avg_pool2d", kernel, stride, [0, 0, 0, 0])


def _window(fx_node: FxNode) -> tuple[list[int], list[int], list[int]]:
    """Kernel, stride and padding, each for height and width."""
    kernel = pair(fx_node.args[1])
    stride = pair(fx_node.args[2]) if len(fx_node.args) > 2 and fx_node.args[2] else kernel
    padding = pair(fx_node.args[3]) if len(fx_node.args) > 3 else [0, 0]
    return kernel, stride, padding


def _beyond_the_edge(
    fx_node: FxNode, kernel: list[int], stride: list[int], padding: list[int]
) -> list[int]:
    """How far the last window reaches beyond the padded input, in rows and columns."""
    before = fx_node.args[0].meta["val"].shape[2:]
    after = fx_node.meta["val"].shape[2:]
    return [
        (int(last) - 1) * s + k - int(length) - 2 * p
        for last, s, k, length, p in zip(after, stride, kernel, before, padding, strict=True)
    ]


def _add_pool(
    captured: PartialGraph,
    fx_node: FxNode,
    operation: str,
    kernel: list[int],
    stride: list[int],
    padding: list[int],
) -> None:
    captured.add(
        fx_node,
        module_name(fx_node, operation),
        operation,
        (captured.source(fx_node.args[0]),),
        {"kernel": kernel, "stride": stride, "padding": padding},
    )


def adaptive_avg_pool(captured: PartialGraph, fx_node: FxNode) -> None:
    """Case 1: to 1 x 1. Case 2: to the size it has. Case 3: to a size that divides it."""
    before = [int(length) for length in fx_node.args[0].meta["val"].shape[2:]]
    after = [int(length) for length in fx_node.meta["val"].shape[2:]]
    if after == [1, 1]:
        _add_global_pool(captured, fx_node)
    elif after == before:
        captured.alias[fx_node] = captured.source(fx_node.args[0])
    elif all(length % wanted == 0 for length, wanted in zip(before, after, strict=True)):
        window = [length // wanted for length, wanted in zip(before, after, strict=True)]
        _add_pool(captured, fx_node, "avg_pool2d", window, window, [0, 0, 0, 0])
    else:
        raise unsupported(
            fx_node, f"adaptive pooling from {before} to {after} has windows of several sizes"
        )


def mean(captured: PartialGraph, fx_node: FxNode) -> None:
    """The mean over height and width."""
    if sorted(axis % 4 for axis in fx_node.args[1]) != [2, 3]:
        raise unsupported(fx_node, "only the mean over height and width is supported")
    _add_global_pool(captured, fx_node)


def _add_global_pool(captured: PartialGraph, fx_node: FxNode) -> None:
    name = module_name(fx_node, "global_avg_pool")
    captured.add(fx_node, name, "global_avg_pool", (captured.source(fx_node.args[0]),), {})
