"""Near-duplicates: neighbouring frames of a video, or one picture saved twice.

They must not lie in two parts of a split, or the test part measures memory. A pair is a
near-duplicate if two measures agree:

1. *Difference hash* (dHash). The picture is averaged to 9 x 8 cells of luma; bit (r, c) of the
   first 64 is ``cell[r, c + 1] > cell[r, c]`` over 8 x 9 cells, of the other 64
   ``cell[r + 1, c] > cell[r, c]`` over 9 x 8 cells. The hashes differ in at most ``threshold``
   of 128 bits. It does not see brightness and contrast.
2. *Correlation*. Pearson's coefficient of 16 x 16 cells of luma is at least 0.97. It tells apart
   what only has the same layout, as one chest X-ray has with the next.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.preprocessing import Preprocessing
from train.data.sources import Dataset

__all__ = [
    "DEFAULT_THRESHOLD",
    "HASH_BITS",
    "THUMBNAIL",
    "Fingerprints",
    "fingerprints",
    "group_of_each",
    "near_duplicates",
    "with_duplicate_groups",
]

HASH_BITS = 128
DEFAULT_THRESHOLD = 10
"""Of 128 bits. On endoscopy, pairs up to it look alike; unlike ones begin at about 13."""
THUMBNAIL = Preprocessing(64, 64, "stretch")
"""What :func:`fingerprints` is given of a frame."""

_CORRELATION = 0.97
# Luma weights of ITU-R BT.601.
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_CELLS = 16
_FLAT = 1e-3
_BLOCK = 512


@dataclass(frozen=True)
class Fingerprints:
    """What near-duplicates are told by.

    Attributes:
        bits: the hash as float32 -1 or 1, ``[N, 128]``.
        layout: float32 ``[N, 257]``, unit vectors whose product is the correlation; a picture of
            one colour is the last axis.
    """

    bits: NDArray[np.float32]
    layout: NDArray[np.float32]


def fingerprints(thumbnails: NDArray[np.uint8]) -> Fingerprints:
    """Hash pictures.

    Args:
        thumbnails: uint8 ``[N, 64, 64, 3]``, RGB, whole frames through :data:`THUMBNAIL`.
    """
    wide = _luma(thumbnails, 8, 9)
    tall = _luma(thumbnails, 9, 8)
    higher = np.concatenate(
        [
            (wide[:, :, 1:] > wide[:, :, :-1]).reshape(len(wide), -1),
            (tall[:, 1:] > tall[:, :-1]).reshape(len(tall), -1),
        ],
        axis=1,
    )
    cells = _luma(thumbnails, _CELLS, _CELLS).reshape(len(thumbnails), -1)
    centred = cells - cells.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    flat = norm < _FLAT
    layout = np.concatenate([np.where(flat, 0, centred / np.maximum(norm, _FLAT)), flat], axis=1)
    return Fingerprints(np.where(higher, 1, -1).astype(np.float32), layout.astype(np.float32))


def near_duplicates(prints: Fingerprints, threshold: int = DEFAULT_THRESHOLD) -> NDArray[np.int64]:
    """All pairs of near-duplicates, exactly.

    The Hamming distance of two hashes of +-1 is (128 - a.b) / 2, so that blocks of all pairs are
    matrix products: they cost far less than decoding the images. Buckets of hash bands would be no
    quicker where shared borders make bands alike.

    Args:
        prints: of N pictures.
        threshold: largest number of differing bits, 0 to 128.

    Returns:
        int64 ``[P, 2]``, positions i < j, sorted.
    """
    found = [np.empty((0, 2), dtype=np.int64)]
    smallest_product = HASH_BITS - 2 * threshold
    for start in range(0, len(prints.bits), _BLOCK):
        block = prints.bits[start : start + _BLOCK] @ prints.bits[start:].T
        first, second = np.nonzero(block >= smallest_product - 0.5)
        first, second = first + start, second + start
        later = second > first
        found.append(np.column_stack([first[later], second[later]]))
    pairs = np.concatenate(found)
    alike = [
        (prints.layout[pairs[at : at + _BLOCK, 0]] * prints.layout[pairs[at : at + _BLOCK, 1]]).sum(
            axis=1
        )
        for at in range(0, len(pairs), _BLOCK)
    ]
    return pairs[np.concatenate([np.empty(0, np.float32), *alike]) >= _CORRELATION]


def group_of_each(pairs: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The first member of each picture's group, ``[count]``; pairs with a common picture join."""
    parent = np.arange(count)

    def root(member: int) -> int:
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = int(parent[member])
        return member

    for first, second in pairs:
        low, high = sorted((root(int(first)), root(int(second))))
        parent[high] = low
    return np.array([root(member) for member in range(count)], dtype=np.int64)


def with_duplicate_groups(
    dataset: Dataset, readable: Sequence[str], pairs: NDArray[np.int64]
) -> Dataset:
    """The listing with near-duplicates in one group, and what shares a group with either.

    Args:
        dataset: a listing, with groups or without.
        readable: keys of the pictures that were hashed.
        pairs: of positions in ``readable``.

    Returns:
        The same samples. A joined group has the name that its first image's group had.
    """
    position = {sample.key: index for index, sample in enumerate(dataset.samples)}
    place = np.array([position[key] for key in readable], dtype=np.int64)
    first_of: dict[str, int] = {}
    named = [
        (first_of.setdefault(sample.group, index), index)
        for index, sample in enumerate(dataset.samples)
    ]
    links = np.concatenate([np.array(named, dtype=np.int64).reshape(-1, 2), place[pairs]])
    samples = tuple(
        dataclasses.replace(sample, group=dataset.samples[first].group)
        for sample, first in zip(
            dataset.samples, group_of_each(links, len(dataset.samples)), strict=True
        )
    )
    has_groups = dataset.has_groups or len(pairs) > 0
    return dataclasses.replace(dataset, samples=samples, has_groups=has_groups)


def _luma(thumbnails: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float32]:
    """Mean luma of cells, ``[N, height, width]``."""
    averaged = Preprocessing(height, width, "stretch")
    cells = np.empty((len(thumbnails), height, width, 3), dtype=np.uint8)
    for position, thumbnail in enumerate(thumbnails):
        averaged.apply_into(thumbnail, cells[position])
    return np.asarray(cells @ _LUMA)
