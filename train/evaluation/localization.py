"""Does the saliency of the lesion class lie on the lesion, and would a blind guess do as well?

Lesions sit in the middle of most pictures, so every figure stands beside those of guesses that do
not look at the picture, and is given once more for off-centre lesions alone: those whose mask does
not contain the centre pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.metrics import (
    Interval,
    blind_pointing,
    bootstrap_mean,
    box_mean,
    energy_inside,
    pointing,
)
from edge_runtime.preprocessing import Preprocessing
from train.data import LoadedImages, Sample
from train.data.cache import read_frame
from train.data.masks import has_mask, load_mask
from train.evaluation.targets import Advance, Target

__all__ = ["LocalizationRow", "localize", "masked_class"]

_BOX_SIDE = 9
_SIGMA_SHARE = 6
Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class LocalizationRow:
    """Figures of one map over one selection of lesions.

    Attributes:
        lesions: ``all`` or ``off-centre``.
        map: what was measured: the network's map, or a blind guess.
        count: number of lesions.
        pointing: share of lesions that hold the map's maximum; None where it makes no sense.
        energy: mean share of the map inside the lesion; None likewise.
    """

    lesions: str
    map: str
    count: int
    pointing: Interval | None
    energy: Interval | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "lesions": self.lesions,
            "map": self.map,
            "count": self.count,
            "pointing": self.pointing.to_json() if self.pointing else None,
            "energy": self.energy.to_json() if self.energy else None,
        }


def masked_class(samples: Sequence[Sample], preprocessing: Preprocessing) -> str | None:
    """The class with most lesion masks that mark something, or None."""
    counts: dict[str, int] = {}
    for sample in samples:
        if has_mask(sample) and load_mask(sample, preprocessing) is not None:
            counts[sample.label] = counts.get(sample.label, 0) + 1
    return max(counts, key=lambda label: counts[label]) if counts else None


def localize(
    target: Target,
    loaded: LoadedImages,
    label: str,
    training: Sequence[Sample],
    map_name: str,
    advance: Advance,
) -> list[LocalizationRow]:
    """Measure the saliency of one class on its lesions.

    Pointing is taken on the map's 9 x 9 mean (for a map of pixels), since the maximum of a raw
    gradient is a single noisy pixel; energy on the raw map.

    Args:
        target: what is measured.
        loaded: the images.
        label: the class whose lesions have masks.
        training: samples of the training part, whose masks give the best fixed pixel; where there
            are none, it is chosen with the answers known, which only makes it harder to beat.
        map_name: what the target's map is called.
        advance: called with the number of maps done.
    """
    chosen, masks = [], []
    for index, sample in enumerate(loaded.samples):
        mask = _lesion(sample, label, target.preprocessing)
        if mask is not None:
            chosen.append(index)
            masks.append(mask)
    if not masks:
        return []
    groups = [loaded.samples[index].group for index in chosen]
    maps = target.saliency(loaded.images[chosen], target.classes.index(label), advance)
    guesses = _blind_guesses(masks, _lesions(training, label, target.preprocessing))
    rows = []
    stack = np.stack(masks)
    off_centre = np.flatnonzero(~stack[:, stack.shape[1] // 2, stack.shape[2] // 2])
    for name, kept in (("all", np.arange(len(masks))), ("off-centre", off_centre)):
        if len(kept):
            kept_masks, kept_groups = [masks[i] for i in kept], [groups[i] for i in kept]
            rows.append(_map_row(name, map_name, maps[kept], kept_masks, kept_groups))
            rows += _blind_rows(name, guesses, kept_masks, kept_groups)
    return rows


def _map_row(
    lesions: str,
    map_name: str,
    maps: NDArray[np.float32],
    masks: Sequence[Masks],
    groups: Sequence[str],
) -> LocalizationRow:
    is_of_pixels = maps.shape[1:] == masks[0].shape
    # A class activation map can be negative where a cell speaks against the class.
    maps = np.maximum(maps, 0)
    hits = [
        pointing(box_mean(one, _BOX_SIDE) if is_of_pixels else one, mask)
        for one, mask in zip(maps, masks, strict=True)
    ]
    energies = [energy_inside(one, mask) for one, mask in zip(maps, masks, strict=True)]
    return LocalizationRow(
        lesions,
        map_name,
        len(masks),
        bootstrap_mean(hits, groups),
        bootstrap_mean(energies, groups),
    )


def _blind_rows(
    lesions: str,
    guesses: dict[str, tuple[int, int]],
    masks: Sequence[Masks],
    groups: Sequence[str],
) -> list[LocalizationRow]:
    rows = [
        LocalizationRow(
            lesions,
            f"blind: {name}",
            len(masks),
            bootstrap_mean([float(mask[pixel]) for mask in masks], groups),
            None,
        )
        for name, pixel in guesses.items()
    ]
    gaussian = _centred_gaussian(*masks[0].shape)
    spread = (("blind: Gaussian", gaussian), ("blind: even", np.ones(masks[0].shape)))
    for name, one in spread:
        energies = [energy_inside(one, mask) for mask in masks]
        rows.append(
            LocalizationRow(lesions, name, len(masks), None, bootstrap_mean(energies, groups))
        )
    return rows


def _blind_guesses(
    masks: Sequence[Masks], training_masks: Sequence[Masks]
) -> dict[str, tuple[int, int]]:
    height, width = masks[0].shape
    known = training_masks or masks
    name = "best fixed pixel" if training_masks else "best fixed pixel, answers known"
    return {
        "centre pixel": (height // 2, width // 2),
        name: blind_pointing(known).best_pixel,
    }


def _lesions(samples: Sequence[Sample], label: str, preprocessing: Preprocessing) -> list[Masks]:
    found = (_lesion(sample, label, preprocessing, checked=False) for sample in samples)
    return [mask for mask in found if mask is not None]


def _lesion(
    sample: Sample, label: str, preprocessing: Preprocessing, *, checked: bool = True
) -> Masks | None:
    if sample.label != label or not has_mask(sample):
        return None
    frame_size = None
    if checked and sample.mask_path is not None:
        height, width = read_frame(sample).shape[:2]
        frame_size = (height, width)
    return load_mask(sample, preprocessing, frame_size)


def _centred_gaussian(height: int, width: int) -> NDArray[np.float64]:
    """Sigma is a sixth of the side."""
    rows, columns = (
        np.exp(-0.5 * ((np.arange(side) - (side - 1) / 2) / (side / _SIGMA_SHARE)) ** 2)
        for side in (height, width)
    )
    return np.outer(rows, columns)
