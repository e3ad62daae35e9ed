"""Does the saliency of the lesion class lie on the lesion, and would a blind guess do as well?

Lesions sit in the middle of most pictures, so every figure stands beside those of guesses that do
not look at the picture, and is given once more for off-centre lesions alone: those whose mask does
not contain the centre pixel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.map_grid import MapGrid
from edge_runtime.metrics import (
    Interval,
    blind_pointing,
    bootstrap_mean,
    bootstrap_ratio,
    energy_inside,
    pointing,
)
from train.evaluation.lesions import Lesions
from train.evaluation.maps import Maps, evidence_on_pixels, smoothed

__all__ = ["LocalizationRow", "centred_gaussian", "localize"]

_SIGMA_SHARE = 6
Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class LocalizationRow:
    """Figures of one map over one selection of lesions.

    Attributes:
        lesions: ``all`` or ``off-centre``.
        map: what was measured: the network's map, or a blind guess.
        count: number of lesions.
        area: mean share of the picture that a lesion covers.
        pointing: share of lesions that hold the map's maximum; None where it makes no sense.
        energy: mean share of the map inside the lesion; None likewise.
        energy_over_area: mean energy over mean area; 1 is what an even map gets.
    """

    lesions: str
    map: str
    count: int
    area: float
    pointing: Interval | None
    energy: Interval | None
    energy_over_area: Interval | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        intervals = {
            "pointing": self.pointing,
            "energy": self.energy,
            "energy_over_area": self.energy_over_area,
        }
        return {
            "lesions": self.lesions,
            "map": self.map,
            "count": self.count,
            "area": self.area,
            **{name: found.to_json() if found else None for name, found in intervals.items()},
        }


def localize(
    lesions: Lesions,
    groups: Sequence[str],
    maps: Mapping[str, Maps],
    training_masks: Sequence[Masks],
    grids: Mapping[str, MapGrid] | None = None,
) -> list[LocalizationRow]:
    """Measure maps of one class on its lesions, beside blind guesses.

    Pointing is taken on the map's 9 x 9 mean (for a map of pixels), since the maximum of a raw
    gradient is a single noisy pixel; energy on the raw map. A coarse map is enlarged for both.

    Args:
        lesions: the L lesions.
        groups: L names.
        maps: name to maps ``[L, h, w]``.
        training_masks: masks of the training part, which give the best fixed pixel; where there
            are none, it is chosen with the answers known, which only makes it harder to beat.
        grids: name to where the cells of a coarse map lie; evenly where there is none.
    """
    guesses = _blind_guesses(lesions.masks, training_masks)
    rows = []
    every = np.arange(len(lesions.masks))
    for name, kept in (("all", every), ("off-centre", lesions.off_centre)):
        if len(kept):
            chosen = _Chosen(name, lesions.masks[kept], [groups[i] for i in kept])
            rows += [
                chosen.map_row(label, values[kept], (grids or {}).get(label))
                for label, values in maps.items()
            ]
            rows += chosen.blind_rows(guesses)
    return rows


@dataclass(frozen=True, eq=False)
class _Chosen:
    """One selection of lesions."""

    name: str
    masks: Masks
    groups: Sequence[str]

    def map_row(self, label: str, maps: Maps, grid: MapGrid | None) -> LocalizationRow:
        height, width = self.masks.shape[1:]
        is_of_pixels = maps.shape[1:] == (height, width)
        maps = evidence_on_pixels(maps, (height, width), grid)
        places = smoothed(maps) if is_of_pixels else maps
        hits = [pointing(one, mask) for one, mask in zip(places, self.masks, strict=True)]
        energies = [energy_inside(one, mask) for one, mask in zip(maps, self.masks, strict=True)]
        return self._row(label, hits, energies)

    def blind_rows(self, guesses: Mapping[str, tuple[int, int]]) -> list[LocalizationRow]:
        rows = [
            self._row(f"blind: {name}", [float(mask[pixel]) for mask in self.masks], None)
            for name, pixel in guesses.items()
        ]
        height, width = self.masks.shape[1:]
        spread = {"Gaussian": centred_gaussian(height, width), "even": np.ones((height, width))}
        for name, one in spread.items():
            energies = [energy_inside(one, mask) for mask in self.masks]
            rows.append(self._row(f"blind: {name}", None, energies))
        return rows

    def _row(
        self, label: str, hits: Sequence[float] | None, energies: Sequence[float] | None
    ) -> LocalizationRow:
        areas = self.masks.mean(axis=(1, 2))
        return LocalizationRow(
            self.name,
            label,
            len(self.masks),
            float(areas.mean()),
            bootstrap_mean(hits, self.groups) if hits is not None else None,
            bootstrap_mean(energies, self.groups) if energies is not None else None,
            bootstrap_ratio(energies, areas, self.groups) if energies is not None else None,
        )


def _blind_guesses(masks: Masks, training_masks: Sequence[Masks]) -> dict[str, tuple[int, int]]:
    height, width = masks.shape[1:]
    known = training_masks if len(training_masks) else list(masks)
    name = "best fixed pixel" if len(training_masks) else "best fixed pixel, answers known"
    return {
        "centre pixel": (height // 2, width // 2),
        name: blind_pointing(known).best_pixel,
    }


def centred_gaussian(height: int, width: int) -> NDArray[np.float64]:
    """The map of a guess at the middle, float64 ``[height, width]``; sigma is a sixth of a side."""
    rows, columns = (
        np.exp(-0.5 * ((np.arange(side) - (side - 1) / 2) / (side / _SIGMA_SHARE)) ** 2)
        for side in (height, width)
    )
    return np.outer(rows, columns)
