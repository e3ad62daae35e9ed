"""Where the cells of a feature map lie: the centres of their receptive fields.

Source: Araujo, Norris, Sim, Computing Receptive Fields of Convolutional Neural Networks, Distill
2019: the recurrences for the stride (eq. 3) and the centre of the first cell (eq. 6 and 7), here
from the image on and in pixels' centres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_runtime.map_grid import MapGrid
from train.quantization.graph import NetworkGraph, Node

__all__ = ["CellPlaces", "cell_places"]

_WINDOWED = ("conv2d", "max_pool2d", "avg_pool2d")


@dataclass(frozen=True)
class CellPlaces:
    """Where the cells of one feature map lie.

    Attributes:
        grid: their centres on the network's input.
        branches_agree: whether all paths from the image give the same; else ``grid`` is the mean.
    """

    grid: MapGrid
    branches_agree: bool


def cell_places(
    graph: NetworkGraph, kernels: Mapping[str, tuple[int, int]], name: str
) -> CellPlaces:
    """Follow the windows of all layers from the image to a feature map.

    Case 1: a window of k cells at distance s with padding p in front and dilation d: the first
    lies ``d (k - 1) / 2 - p`` cells of its input further, and the stride grows by s.
    Case 2: branches that are joined: the mean, where they do not agree.
    Case 3: anything else works cell by cell; what comes out of a global pooling has no place.

    Args:
        graph: of the network.
        kernels: name of a convolution to the height and width of its kernel.
        name: a node whose output is ``[C, h, w]``, in front of any global pooling.
    """
    found: dict[str, CellPlaces] = {}
    for node in graph.nodes:
        if node.operation == "input":
            found[node.name] = CellPlaces(MapGrid((0.5, 0.5), (1.0, 1.0)), True)
        elif node.operation in _WINDOWED and node.inputs[0] in found:
            kernel = kernels.get(node.name) or tuple(node.attributes["kernel"])
            found[node.name] = _behind_window(found[node.inputs[0]], node, kernel)
        elif node.operation != "global_avg_pool":
            inputs = [found[source] for source in node.inputs if source in found]
            if inputs:
                found[node.name] = _joined(inputs)
        if node.name == name:
            break
    return found[name]


def _behind_window(before: CellPlaces, node: Node, kernel: tuple[int, ...]) -> CellPlaces:
    """Case 1."""
    attributes = node.attributes
    top, _, left, _ = attributes["padding"]
    dilation = attributes.get("dilation", (1, 1))
    first, stride = [], []
    for axis, padding in enumerate((top, left)):
        shift = dilation[axis] * (kernel[axis] - 1) / 2 - padding
        first.append(before.grid.first_yx[axis] + before.grid.stride_yx[axis] * shift)
        stride.append(before.grid.stride_yx[axis] * attributes["stride"][axis])
    grid = MapGrid((first[0], first[1]), (stride[0], stride[1]))
    return CellPlaces(grid, before.branches_agree)


def _joined(inputs: list[CellPlaces]) -> CellPlaces:
    """Case 2."""
    grids = [places.grid for places in inputs]
    agree = all(places.branches_agree for places in inputs) and len(set(grids)) == 1
    if len(set(grids)) == 1:
        return CellPlaces(grids[0], agree)
    first = [sum(grid.first_yx[axis] for grid in grids) / len(grids) for axis in (0, 1)]
    stride = [sum(grid.stride_yx[axis] for grid in grids) / len(grids) for axis in (0, 1)]
    return CellPlaces(MapGrid((first[0], first[1]), (stride[0], stride[1])), False)
