"""The split into train, val and test: groups stay whole, class shares stay as they are.

The split is a function of the listing and a seed, so that anyone who has both can make it again
and check it by its hash.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import ArtifactError, DataError
from train.data.sources import Dataset, Sample

__all__ = ["DEFAULT_FRACTIONS", "PARTS", "Split", "read_split", "split_dataset", "take_split"]

PARTS = ("train", "val", "test")
DEFAULT_FRACTIONS = (0.8, 0.1, 0.1)
_COLUMNS = ("file", "label", "group", "part")
# More than any deviation of shares can cost: a class must not be missing from a part.
_ABSENT = 1e6
_MAX_PASSES = 20


@dataclass(frozen=True)
class Split:
    """Which part each image of a listing belongs to.

    Attributes:
        samples: the listing.
        parts: ``train``, ``val`` or ``test`` for each of them.
        seed: what the split was drawn with; 0 where the source's own split was taken.
        fractions: wanted shares of train, val and test.
    """

    samples: tuple[Sample, ...]
    parts: tuple[str, ...]
    seed: int
    fractions: tuple[float, float, float]

    def part(self, name: str) -> tuple[Sample, ...]:
        """The samples of one part in listing order; ``all`` gives every sample."""
        return tuple(
            sample
            for sample, part in zip(self.samples, self.parts, strict=True)
            if name in ("all", part)
        )

    @property
    def has_groups(self) -> bool:
        """Whether any images must stay together."""
        return any(sample.group != sample.key for sample in self.samples)

    def of(self, samples: Iterable[Sample]) -> Split:
        """The same parts for some of the samples."""
        part_of = dict(zip((sample.key for sample in self.samples), self.parts, strict=True))
        kept = tuple(samples)
        return replace(self, samples=kept, parts=tuple(part_of[sample.key] for sample in kept))

    @cached_property
    def csv_text(self) -> str:
        """The file ``split.csv``: one line ``file,label,group,part`` per image."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for sample, part in zip(self.samples, self.parts, strict=True):
            writer.writerow((sample.key, sample.label, sample.group, part))
        return buffer.getvalue()

    @property
    def sha256(self) -> str:
        """Hash of ``split.csv``, which bundles carry in its place."""
        return hashlib.sha256(self.csv_text.encode()).hexdigest()


def split_dataset(
    dataset: Dataset,
    seed: int,
    fractions: tuple[float, float, float] = DEFAULT_FRACTIONS,
) -> Split:
    """Split a listing by groups; a split that the source brings along wins.

    Raises:
        DataError: a class has too few groups to be in every part, or the source's own split
            puts one group into two parts or leaves a class out of one.

    Examples:
        >>> from train.data import open_dataset
        >>> split = split_dataset(open_dataset("synthetic:?count=300&seed=0"), seed=0)
        >>> [len(split.part(name)) for name in PARTS]
        [240, 30, 30]
    """
    if dataset.has_own_split:
        parts = tuple(sample.part for sample in dataset.samples)
        _check_given(dataset.source, dataset.classes, dataset.samples, parts)
        return Split(dataset.samples, parts, 0, fractions)
    groups, counts = _count_groups(dataset)
    assigned = _assign(groups, counts, np.asarray(fractions, dtype=np.float64), seed)
    absent = _absent_class(counts, assigned)
    if absent is not None:
        label = dataset.classes[absent[0]]
        raise DataError(
            f"the class {label!r} of {dataset.source} cannot be split into train, val and test "
            f"without tearing a group apart ({int((counts[:, absent[0]] > 0).sum())} groups hold "
            "it); add images of other groups or give the split yourself in the column split."
        )
    part_of = {group: PARTS[part] for group, part in zip(groups, assigned, strict=True)}
    parts = tuple(part_of[sample.group] for sample in dataset.samples)
    return Split(dataset.samples, parts, seed, fractions)


def read_split(path: Path, dataset: Dataset) -> Split:
    """Read a ``split.csv`` again, for the listing that it was made from.

    Images of the listing that the file does not name (they were unreadable then, or are new) are
    left out. The groups are those of the file, which may have joined the source's because of
    near-duplicates.

    Raises:
        ArtifactError: the file is missing or malformed.
        DataError: an image that it names is gone or has another label now, or the source's group
            of it is torn apart in the file.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
        listed = [tuple(row[column] for column in _COLUMNS) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise ArtifactError(f"the split {path} cannot be read ({error}); train again.") from error
    known = {sample.key: sample for sample in dataset.samples}
    kept: dict[str, str] = {}
    for key, label, group, part in listed:
        sample = known.get(key)
        is_torn = sample is not None and kept.setdefault(sample.group, group) != group
        if sample is None or sample.label != label or is_torn:
            raise DataError(
                f"{path} names {key} (class {label}, group {group}), which {dataset.source} does "
                "not have; restore the images that the run was trained on or train again."
            )
        if part not in PARTS:
            raise ArtifactError(f"the split {path} puts {key} into {part!r}; train again.")
    samples = tuple(replace(known[key], group=group) for key, _, group, _ in listed)
    return Split(samples, tuple(row[3] for row in listed), 0, DEFAULT_FRACTIONS)


def take_split(path: Path, dataset: Dataset) -> Split:
    """Take the parts from a file that was made elsewhere, a fold for instance, instead of drawing.

    Raises:
        ArtifactError, DataError: see :func:`read_split`.
        DataError: a group is in two parts, or a class is missing from one.
    """
    split = read_split(path, dataset)
    _check_given(str(path), dataset.classes, split.samples, split.parts)
    return split


def _count_groups(dataset: Dataset) -> tuple[list[str], NDArray[np.int64]]:
    """Group names, sorted, and their images of each class ``[groups, classes]``."""
    groups = sorted({sample.group for sample in dataset.samples})
    row = {group: index for index, group in enumerate(groups)}
    column = {label: index for index, label in enumerate(dataset.classes)}
    counts = np.zeros((len(groups), len(dataset.classes)), dtype=np.int64)
    for sample in dataset.samples:
        counts[row[sample.group], column[sample.label]] += 1
    return groups, counts


def _assign(
    groups: Sequence[str],
    counts: NDArray[np.int64],
    fractions: NDArray[np.float64],
    seed: int,
) -> list[int]:
    """The part of each group: greedy from the largest group, then single moves while they help.

    The cost of a part is the sum over classes of (images - wanted images)^2 / images of the
    class, so that a rare class weighs as much as a common one.
    """
    totals = counts.sum(axis=0).astype(np.float64)
    wanted = fractions[:, None] * totals[None, :]

    def cost(part: int, held: NDArray[np.int64]) -> float:
        deviation = float((((held - wanted[part]) ** 2) / totals).sum())
        return deviation + _ABSENT * int(((held == 0) & (wanted[part] > 0)).sum())

    # The hash draws the order of equals; it gives the same bits on every machine and version.
    draw = [hashlib.sha256(f"{seed}:{group}".encode()).digest() for group in groups]
    order = sorted(range(len(groups)), key=lambda g: (-int(counts[g].sum()), draw[g]))
    held = np.zeros((len(PARTS), counts.shape[1]), dtype=np.int64)
    assigned = [-1] * len(groups)
    for _ in range(_MAX_PASSES):
        moved = False
        for group in order:
            came_from = assigned[group]
            if came_from >= 0:
                held[came_from] -= counts[group]
            gains = [
                cost(part, held[part] + counts[group]) - cost(part, held[part])
                for part in range(len(PARTS))
            ]
            best = min(range(len(PARTS)), key=lambda part: (gains[part], part))
            if came_from >= 0 and gains[best] >= gains[came_from] - 1e-9:
                best = came_from
            held[best] += counts[group]
            assigned[group] = best
            moved = moved or best != came_from
        if not moved:
            break
    return assigned


def _absent_class(counts: NDArray[np.int64], assigned: Sequence[int]) -> tuple[int, int] | None:
    """The first (class, part) without an image, or None."""
    for part in range(len(PARTS)):
        held = counts[[p == part for p in assigned]].sum(axis=0)
        for label in np.flatnonzero(held == 0):
            return int(label), part
    return None


def _check_given(
    source: str, classes: Sequence[str], samples: Sequence[Sample], parts: Sequence[str]
) -> None:
    """Refuse a split that was not drawn here if it tears a group or lacks a class."""
    part_of: dict[str, str] = {}
    for sample, part in zip(samples, parts, strict=True):
        if part_of.setdefault(sample.group, part) != part:
            raise DataError(
                f"the split of {source} puts the group {sample.group!r} into both "
                f"{part_of[sample.group]} and {part}; images of one group must stay together."
            )
    present = {(sample.label, part) for sample, part in zip(samples, parts, strict=True)}
    for part in PARTS:
        for label in classes:
            if (label, part) not in present:
                raise DataError(
                    f"the split of {source} has no image of the class {label!r} in "
                    f"{part}; every class must be in train, val and test."
                )
