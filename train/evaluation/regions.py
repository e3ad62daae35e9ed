"""How much of the saliency lies in a given part of the picture: the audit for shortcuts.

An overlay that comes with a class, such as a position display, can stand in for the disease. A map
whose share in its region is well above the region's area uses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import UsageError
from edge_runtime.map_grid import MapGrid
from edge_runtime.metrics import Interval, Region, bootstrap_mean, energy_inside
from train.evaluation.maps import Maps, evidence_on_pixels

__all__ = ["RegionRow", "region_rows"]


@dataclass(frozen=True)
class RegionRow:
    """The share of one map in one region, over the images of one class.

    Attributes:
        region: name of the region.
        area: share of the picture that it covers: what an even map would have there.
        map: what was measured.
        label: the class, whose own map it is in each image; ``all`` for every image's own class.
        count: number of images.
        share: mean share of the unsmoothed map inside.
    """

    region: str
    area: float
    map: str
    label: str
    count: int
    share: Interval

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; ``class`` (whose images these are) is ``label`` here."""
        return {
            "region": self.region,
            "area": self.area,
            "map": self.map,
            "class": self.label,
            "count": self.count,
            "share": self.share.to_json(),
        }


def region_rows(
    regions: Sequence[Region],
    size: tuple[int, int],
    maps: Mapping[str, Maps],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    groups: Sequence[str],
    grids: Mapping[str, MapGrid] | None = None,
) -> list[RegionRow]:
    """Measure every map in every region, for each class and for all.

    Args:
        regions: what to look at.
        size: height and width of the network's input.
        maps: name to maps ``[N, h, w]`` of each image's own class.
        labels: int64 ``[N]``.
        classes: names by index.
        groups: N names.
        grids: name to where the cells of a coarse map lie; evenly where there is none.

    Raises:
        UsageError: a region holds no pixel.
    """
    rows = []
    names = np.array(groups)
    for region in regions:
        mask = region.mask(*size)
        if not mask.any():
            raise UsageError(f"the region {region} holds no pixel of {size[1]}x{size[0]}.")
        for name, values in maps.items():
            evidence = evidence_on_pixels(values, size, (grids or {}).get(name))
            shares = np.array([energy_inside(one, mask) for one in evidence])
            chosen = {"all": np.arange(len(labels))}
            chosen |= {label: np.flatnonzero(labels == i) for i, label in enumerate(classes)}
            rows += [
                RegionRow(
                    region.name,
                    float(mask.mean()),
                    name,
                    label,
                    len(kept),
                    bootstrap_mean(shares[kept], names[kept].tolist()),
                )
                for label, kept in chosen.items()
                if len(kept)
            ]
    return rows
