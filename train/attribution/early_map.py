"""The early feature map that a cheaper gradient is taken for."""

from __future__ import annotations

from edge_runtime.errors import ArtifactError
from train.quantization import QuantizedNetwork
from train.quantization.graph import NetworkGraph

__all__ = ["early_map_of"]

_LARGEST_STRIDE = 4


def early_map_of(network: QuantizedNetwork) -> str:
    """The node whose output the gradient ``gradient-early`` is taken for.

    Case 1: of all feature maps that everything passes through, those of the largest stride up to 4.
    Case 2: several: the one with the fewest channels, and of these the last.
    Case 3: a map that a global pooling reads: not considered, since its gradient hardly differs
        from cell to cell.

    Raises:
        ArtifactError: there is none with a stride of 2 to 4.
    """
    graph = network.graph
    found: list[tuple[float, int, int, str]] = []
    for position, name in enumerate(_passed_by_all(graph)):
        shape = graph[name].shape
        readers = {reader.operation for reader in graph.consumers(name)}
        if len(shape) != 3 or shape[1:] == (1, 1) or "global_avg_pool" in readers:  # Case 3.
            continue
        stride = max(network.cell_places(name).grid.stride_yx)
        if 1 < stride <= _LARGEST_STRIDE:
            found.append((stride, -shape[0], position, name))
    if not found:
        raise ArtifactError(
            "the gradient at an early feature map needs one at a half to a quarter of the image's "
            "side that everything passes through; this network has none."
        )
    return max(found)[-1]


def _passed_by_all(graph: NetworkGraph) -> list[str]:
    """The nodes that no path from the image to the logits leaves out, in order."""
    last_reader = {
        source: position for position, node in enumerate(graph.nodes) for source in node.inputs
    }
    passed, reaches = [], 0
    for position, node in enumerate(graph.nodes):
        if position and reaches <= position:
            passed.append(node.name)
        reaches = max(reaches, last_reader.get(node.name, position))
    return passed
