"""Where the cells of a coarse map lie on the network's input.

A cell's place is the centre of its receptive field, not the middle of its share of the picture: a
stride with padding on one side moves it, by half an input cell at each such layer. Source: Araujo,
Norris, Sim, Computing Receptive Fields of Convolutional Neural Networks, Distill 2019.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from edge_runtime.quick_dataclass import dataclass
from edge_runtime.record import Record, entry

__all__ = ["MapGrid"]

_Stride = Annotated[float, entry(exclusiveMinimum=0)]


@dataclass(frozen=True)
class MapGrid(Record):
    """The centres of a map's cells, in continuous coordinates of the network's input.

    Pixel ``i`` covers ``[i, i + 1)``; cell ``j`` lies at ``first + stride * j``.

    Attributes:
        first_yx: row and column of the centre of the first cell, in pixels; may lie outside.
        stride_yx: from one cell to the next, in pixels, above zero.
    """

    first_yx: tuple[float, float]
    stride_yx: tuple[_Stride, _Stride]

    def __post_init__(self) -> None:
        values = (*self.first_yx, *self.stride_yx)
        if not all(math.isfinite(value) for value in values) or min(self.stride_yx) <= 0:
            raise ValueError("the places of a map's cells are not finite or its stride is not > 0")

    @classmethod
    def nominal(cls, map_hw: tuple[int, int], network_hw: tuple[int, int]) -> MapGrid:
        """Cells that share the picture evenly: for maps whose network is not known.

        Examples:
            >>> MapGrid.nominal(map_hw=(2, 4), network_hw=(64, 64))
            MapGrid(first_yx=(16.0, 8.0), stride_yx=(32.0, 16.0))
        """
        stride = (network_hw[0] / map_hw[0], network_hw[1] / map_hw[1])
        return cls((stride[0] / 2, stride[1] / 2), stride)

    def enlarged(
        self, maps: NDArray[np.float32], network_hw: tuple[int, int]
    ) -> NDArray[np.float32]:
        """Maps on the pixels of the network's input, by a linear kernel between the centres.

        Args:
            maps: float32 ``[..., h, w]``.
            network_hw: height and width of the network's input.

        Returns:
            float32 ``[..., height, width]``; beyond the outermost centres their values go on.

        Examples:
            >>> two_cells = np.array([[0.0, 1.0]], np.float32)  # [1, 2]
            >>> MapGrid.nominal((1, 2), (1, 8)).enlarged(two_cells, (1, 8))
            array([[0.   , 0.   , 0.125, 0.375, 0.625, 0.875, 1.   , 1.   ]],
                  dtype=float32)
        """
        rows, columns = (
            _weights(first, stride, cells, pixels)
            for first, stride, cells, pixels in zip(
                self.first_yx, self.stride_yx, maps.shape[-2:], network_hw, strict=True
            )
        )
        return np.asarray(rows @ maps.astype(np.float64) @ columns.T, dtype=np.float32)


def _weights(first: float, stride: float, cells: int, pixels: int) -> NDArray[np.float64]:
    """What each cell contributes to each pixel: ``[pixels, cells]``, rows that sum to 1."""
    places = np.clip((np.arange(pixels) + 0.5 - first) / stride, 0, cells - 1)
    distance = np.abs(places[:, None] - np.arange(cells))
    return np.asarray(np.clip(1 - distance, 0, None), dtype=np.float64)
