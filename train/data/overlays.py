"""Regions that tell a class by their constant colour: boxes, logos and borders, not tissue.

A network may learn such a shared overlay in place of the finding. An overlay of class *c* is a
region that has nearly one colour in most images of *c*, and much less often in another class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_runtime.preprocessing import Preprocessing
from train.data.covering import BLACK

__all__ = ["OverlayPart", "OverlayRule", "field_of_view", "overlay_parts", "shared_overlays"]

_GRID = 32
# Enough for a mode and for a test; more images would only cost time.
_MAX_IMAGES_PER_CLASS = 600
_MAX_MODE_IMAGES = 128
# The first half is lenient: what it lets through is tested in the second.
_SELECTION_SLACK = 0.1
# An image has a part if so much of it has the class's colours.
_MOST = 0.8


@dataclass(frozen=True)
class OverlayRule:
    """What counts as an overlay.

    Attributes:
        tolerance: largest difference to the region's colour in each channel, in grey levels.
        constant_share: smallest share of the class's images that have the colour there.
        contrast: how much smaller the share of some other class must be.
        significance: chance of any region at all in a set whose images do not depend on the class.
        permutations: of the labels, to find what chance alone gives.
        seed: draws halves, samples and permutations.
    """

    tolerance: int = 16
    constant_share: float = 0.8
    contrast: float = 0.2
    significance: float = 0.01
    permutations: int = 500
    seed: int = 0


@dataclass(frozen=True)
class OverlayPart:
    """A connected part of a class's overlay.

    Attributes:
        label: index of the class.
        box: left, top, right and bottom in fractions of the frame.
        area: its share of the frame.
        shares: of each class, by index, the share of images with the class's colours there.
    """

    label: int
    box: tuple[float, float, float, float]
    area: float
    shares: tuple[float, ...]


@dataclass(frozen=True)
class _Candidates:
    """Cells of the first half that may be overlays.

    Attributes:
        owner: class of each candidate, int64 ``[K]``.
        cell: flat index of its cell, int64 ``[K]``.
        colour: uint8 ``[K, 3]``.
    """

    owner: NDArray[np.int64]
    cell: NDArray[np.int64]
    colour: NDArray[np.uint8]


def shared_overlays(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    *,
    groups: Sequence[str] | None = None,
    rule: OverlayRule | None = None,
) -> NDArray[np.bool_]:
    """Find the shared overlays of each class.

    The images are averaged over a grid of at most 32 x 32 cells, and one image of each group and
    class is drawn, so that many frames of one patient count once. These are dealt into two halves:

    1. *Selection.* In the first half each class proposes, for each cell, its most common colour:
       that of the image with the most others within ``tolerance``. Cells where enough of the class
       has it, and fewer of some other class, are candidates.
    2. *Test.* In the second half, a candidate of class c is compared with each other class d by
       z = (p_c - p_d) / sqrt(p (1 - p) (1 / n_c + 1 / n_d)), where p_c is the share of c's images
       with that colour and p the share in both. The labels are permuted, and the largest z over
       all candidates and pairs is noted each time. What lies above the ``1 - significance``
       quantile of these maxima is no work of chance: candidates do not depend on the second half,
       so the maxima bound the chance of *any* false region (Westfall and Young, Resampling-Based
       Multiple Testing, 1993).

    Candidates with p_c >= ``constant_share`` and p_c - p_d >= ``contrast`` for some d are joined
    to connected parts, and the parts with at least one cell that passes are the class's overlay.

    Args:
        images: uint8 ``[N, H, W, 3]``, RGB, all of one size.
        labels: class indices ``[N]``, from 0.
        groups: the group of each image (patient, near-duplicates); each image for itself if None.
        rule: thresholds; the defaults if None.

    Returns:
        bool ``[C, H, W]``, C being the largest label plus one.
    """
    rule = rule or OverlayRule()
    classes = int(labels.max()) + 1
    drawn = _one_of_each_group(labels, groups, np.random.default_rng(rule.seed))
    grid, cells = _cells(images[drawn])
    first, second = slice(0, None, 2), slice(1, None, 2)
    labels = labels[drawn]
    candidates = _select(cells[first], labels[first], classes, rule)
    large, proven = _test(candidates, cells[second], labels[second], classes, rule)
    regions = np.zeros((2, classes, grid[0] * grid[1]), dtype=bool)
    for region, chosen in zip(regions, (large, large & proven), strict=True):
        region[candidates.owner[chosen], candidates.cell[chosen]] = True
    joined = [
        _parts_with(*parts) for parts in zip(*regions.reshape(2, classes, *grid), strict=True)
    ]
    return _at_size(np.stack(joined), images.shape[1:3])


def overlay_parts(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    regions: NDArray[np.bool_],
    tolerance: int = OverlayRule.tolerance,
) -> list[OverlayPart]:
    """Describe overlays: where their parts are, and how many images of each class have them.

    The colours of a part are the median of its class at each pixel. An image has the part if four
    fifths of its pixels are within ``tolerance`` of them.

    Args:
        images: uint8 ``[N, H, W, 3]``, RGB.
        labels: class indices ``[N]``.
        regions: from :func:`shared_overlays`, bool ``[C, H, W]``.
        tolerance: largest difference in each channel, in grey levels.
    """
    parts = []
    height, width = regions.shape[1:]
    for label, region in enumerate(regions):
        count, part, statistics, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8))
        for index in range(1, count):
            seen = images[:, part == index]
            colour = np.median(seen[labels == label], axis=0).astype(np.uint8)
            present = _close(seen, colour, tolerance).mean(axis=1) >= _MOST
            left, top, across, down, area = (int(value) for value in statistics[index])
            parts.append(
                OverlayPart(
                    label,
                    (left / width, top / height, (left + across) / width, (top + down) / height),
                    area / (height * width),
                    tuple(float(s) for s in _shares(present[:, None], labels, len(regions))[:, 0]),
                )
            )
    return parts


def field_of_view(images: NDArray[np.uint8], share: float = 0.1) -> NDArray[np.bool_]:
    """Tell tissue from a border that is black in nearly all images.

    Args:
        images: uint8 ``[N, H, W, 3]``, RGB, all of one size.
        share: a pixel is tissue if at least this share of the images is not black there.

    Returns:
        bool ``[H, W]``.
    """
    lit = np.zeros(images.shape[1:3], dtype=np.int64)
    for image in images:
        lit += image.max(axis=2) >= BLACK
    return lit >= max(1.0, share * len(images))


def _one_of_each_group(
    labels: NDArray[np.int64], groups: Sequence[str] | None, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Positions of one image per group and class, class after class, in random order.

    Every other one of them is a half with the same classes.
    """
    order = generator.permutation(len(labels))
    if groups is not None:
        unique = {(groups[index], int(labels[index])): int(index) for index in order}
        order = np.fromiter(unique.values(), dtype=np.int64)
    return np.concatenate(
        [order[labels[order] == label][:_MAX_IMAGES_PER_CLASS] for label in np.unique(labels)]
    )


def _cells(images: NDArray[np.uint8]) -> tuple[tuple[int, int], NDArray[np.uint8]]:
    """The grid ``(h, w)`` and the mean colour of each of its cells, uint8 ``[N, h * w, 3]``."""
    height, width = (min(_GRID, side) for side in images.shape[1:3])
    averaged = Preprocessing(height, width, "stretch")
    cells = np.stack([averaged.apply(image) for image in images])
    return (height, width), cells.reshape(len(images), height * width, 3)


def _select(
    cells: NDArray[np.uint8], labels: NDArray[np.int64], classes: int, rule: OverlayRule
) -> _Candidates:
    owners, places, colours = [], [], []
    for owner in range(classes):
        own = cells[labels == owner]
        if len(own) < 2:
            continue
        mode = _mode(own[:_MAX_MODE_IMAGES], rule.tolerance)
        shares = _shares(_close(cells, mode, rule.tolerance), labels, classes)
        others = np.delete(np.unique(labels), np.unique(labels) == owner)
        lowest = shares[others].min(axis=0, initial=1.0)
        chosen = np.flatnonzero(
            (shares[owner] >= rule.constant_share - _SELECTION_SLACK)
            & (shares[owner] - lowest >= rule.contrast - _SELECTION_SLACK)
        )
        owners.append(np.full(len(chosen), owner))
        places.append(chosen)
        colours.append(mode[chosen])
    return _Candidates(
        np.concatenate([np.empty(0, np.int64), *owners]),
        np.concatenate([np.empty(0, np.int64), *places]),
        np.concatenate([np.empty((0, 3), np.uint8), *colours]),
    )


def _test(
    candidates: _Candidates,
    cells: NDArray[np.uint8],
    labels: NDArray[np.int64],
    classes: int,
    rule: OverlayRule,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which candidates ``[K]`` tell the class well, and which not by chance, in the second half."""
    owner = candidates.owner
    if len(owner) == 0:
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
    present = _close(cells[:, candidates.cell], candidates.colour, rule.tolerance)
    generator = np.random.default_rng(rule.seed)
    largest = [
        _scores(present, generator.permutation(labels), owner, classes)[1].max()
        for _ in range(rule.permutations)
    ]
    by_chance = np.quantile(largest, 1 - rule.significance, method="higher")
    contrast, scores = _scores(present, labels, owner, classes)
    own = _shares(present, labels, classes)[owner, np.arange(len(owner))]
    large = (contrast >= rule.contrast).any(axis=0) & (own >= rule.constant_share)
    return large, (scores > by_chance).any(axis=0)


def _scores(
    present: NDArray[np.bool_], labels: NDArray[np.int64], owner: NDArray[np.int64], classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """p_c - p_d and z of each class d against a candidate's owner c, both ``[C, K]``."""
    count = np.bincount(labels, minlength=classes)[:, None].astype(np.float64)
    shares = _shares(present, labels, classes)
    own = shares[owner, np.arange(len(owner))]
    both = (own * count[owner, 0] + shares * count) / (count[owner, 0] + count)
    spread = both * (1 - both) * (1 / count[owner, 0] + 1 / np.maximum(count, 1))
    contrast = np.where(count > 0, own - shares, 0.0)
    return contrast, np.where(contrast > 0, contrast / np.sqrt(np.maximum(spread, 1e-12)), 0.0)


def _mode(cells: NDArray[np.uint8], tolerance: int) -> NDArray[np.uint8]:
    """The colour of each cell that most images are close to, uint8 ``[cells, 3]``."""
    neighbours = np.stack(
        [_close(cells, cells[index], tolerance).sum(axis=0) for index in range(len(cells))]
    )
    return np.asarray(cells[neighbours.argmax(axis=0), np.arange(cells.shape[1])])


def _close(
    cells: NDArray[np.uint8], colour: NDArray[np.uint8], tolerance: int
) -> NDArray[np.bool_]:
    """Whether images ``[N, K, 3]`` are near a colour ``[K, 3]`` in all channels, ``[N, K]``."""
    distance = np.abs(cells.astype(np.int16) - colour.astype(np.int16))
    return np.asarray((distance <= tolerance).all(axis=2))


def _shares(
    present: NDArray[np.bool_], labels: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """Share of each class's images, ``[C, K]``; 0 for a class without images."""
    member = labels == np.arange(classes)[:, None]
    count = np.maximum(member.sum(axis=1), 1)[:, None]
    return np.asarray(member.astype(np.float64) @ present / count)


def _parts_with(region: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The 8-connected parts of a region ``[h, w]`` that hold a wanted cell."""
    _, part = cv2.connectedComponents(region.astype(np.uint8), connectivity=8)
    return region & np.isin(part, part[wanted])


def _at_size(regions: NDArray[np.bool_], size_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Regions of cells ``[C, h, w]`` in pixels."""
    rows, columns = (
        np.arange(size) * cells // size
        for size, cells in zip(size_hw, regions.shape[1:], strict=True)
    )
    return regions[:, rows][:, :, columns]
