"""The folds of a cross-validation, fixed by the content of the files and by nothing else.

Every image is tested once. Names, places and the order of the listing play no part, so that two
machines that hold the same images with the same labels and groups get the same folds, whatever the
files are called there. All arithmetic is in whole numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from edge_runtime.errors import DataError, UsageError
from train.data import Dataset, Sample, Split
from train.data.cache import content_sha256

__all__ = ["Folds", "make_folds"]

# An inner fold of the images that are not tested validates: a tenth of all images at five folds.
_INNER_FOLDS = 8
_MAX_PASSES = 50
_PRECISION = 10**12


@dataclass(frozen=True)
class Unit:
    """Images that must stay together: a group, with whatever shares an image with it.

    Attributes:
        key: hash of what its images are; the same wherever the same images are.
        members: positions in the listing, by content.
        counts: images of each class, and of all classes in the end.
    """

    key: str
    members: tuple[int, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Folds:
    """Which fold tests each image.

    Attributes:
        dataset: the listing.
        count: number of folds.
        contents: SHA-256 of each image of the listing.
        units: all units in the order of their keys.
        fold_of_unit: the fold of each of them.
    """

    dataset: Dataset
    count: int
    contents: tuple[str, ...]
    units: tuple[Unit, ...]
    fold_of_unit: tuple[int, ...]

    @cached_property
    def unit_of(self) -> tuple[int, ...]:
        """Index of the unit of each image of the listing: its group, named without a name."""
        found = [-1] * len(self.contents)
        for index, unit in enumerate(self.units):
            for member in unit.members:
                found[member] = index
        return tuple(found)

    @cached_property
    def fold_of(self) -> tuple[int, ...]:
        """The fold of each image of the listing."""
        return tuple(self.fold_of_unit[unit] for unit in self.unit_of)

    @cached_property
    def rank_of(self) -> tuple[int, ...]:
        """Place of each image of the listing in the order of contents, its name in the records."""
        samples = self.dataset.samples
        order = sorted(
            range(len(samples)), key=lambda i: (self.contents[i], samples[i].label, samples[i].key)
        )
        ranks = [0] * len(order)
        for rank, position in enumerate(order):
            ranks[position] = rank
        return tuple(ranks)

    @cached_property
    def sha256(self) -> str:
        """Hash of every image's content, label, group and fold, in an order of its own."""
        samples = self.dataset.samples
        lines = sorted(
            f"{content} {sample.label} {self.units[unit].key} {fold}"
            for content, sample, unit, fold in zip(
                self.contents, samples, self.unit_of, self.fold_of, strict=True
            )
        )
        text = "\n".join([str(self.count), *lines])
        return hashlib.sha256(text.encode()).hexdigest()

    def split(self, fold: int) -> Split:
        """The parts of one fold: it tests, an inner fold of the others validates, the rest trains.

        Of the inner folds, the one whose class shares are nearest to those of all validates: a
        single large group may have bent another one.

        Raises:
            DataError: a class is in too few groups to be in every part.
        """
        rest = [
            unit for unit, own in zip(self.units, self.fold_of_unit, strict=True) if own != fold
        ]
        inner = min(_INNER_FOLDS, _fewest_units(rest, self.dataset.classes)[1])
        if inner < 2:
            raise _too_few(self.dataset, rest, 2)
        assigned = _assign(rest, inner)
        chosen = _most_even(rest, assigned, inner)
        validating = {unit.key for unit, own in zip(rest, assigned, strict=True) if own == chosen}
        parts = tuple(
            "test" if own == fold else "val" if self.units[unit].key in validating else "train"
            for own, unit in zip(self.fold_of, self.unit_of, strict=True)
        )
        return Split(self.dataset.samples, parts, 0, _shares(parts))


def make_folds(
    dataset: Dataset, count: int, content: Callable[[Sample], str] = content_sha256
) -> Folds:
    """Deal the images out, whole groups at a time, the shares of the classes alike in each fold.

    Images with the same content belong together even where the listing does not say so.

    Args:
        dataset: the listing; a split that it brings along is not used.
        count: number of folds, at least 2.
        content: gives the hash of what a sample's image is made from.

    Raises:
        UsageError: fewer than 2 folds.
        DataError: a class is in fewer groups than there are folds, or a file cannot be read.
    """
    if count < 2:
        raise UsageError(f"a cross-validation needs at least 2 folds, not {count}.")
    contents = tuple(content(sample) for sample in dataset.samples)
    units = _units(dataset, contents)
    if _fewest_units(units, dataset.classes)[1] < count:
        raise _too_few(dataset, units, count)
    return Folds(dataset, count, contents, units, tuple(_assign(units, count)))


def _units(dataset: Dataset, contents: Sequence[str]) -> tuple[Unit, ...]:
    """Join groups that share an image, and name each unit by its contents."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for sample, content in zip(dataset.samples, contents, strict=True):
        parent[root(f"group {sample.group}")] = root(f"content {content}")
    members: dict[str, list[int]] = {}
    for position, content in enumerate(contents):
        members.setdefault(root(f"content {content}"), []).append(position)
    return tuple(
        sorted((_unit(dataset, contents, held) for held in members.values()), key=_key_of_unit)
    )


def _unit(dataset: Dataset, contents: Sequence[str], held: Iterable[int]) -> Unit:
    samples = dataset.samples
    ordered = sorted(held, key=lambda i: (contents[i], samples[i].label, samples[i].key))
    text = "\n".join(f"{contents[i]} {samples[i].label}" for i in ordered)
    counts = [sum(samples[i].label == label for i in ordered) for label in dataset.classes]
    return Unit(hashlib.sha256(text.encode()).hexdigest(), tuple(ordered), (*counts, len(ordered)))


def _key_of_unit(unit: Unit) -> str:
    return unit.key


def _assign(units: Sequence[Unit], folds: int) -> list[int]:
    """The fold of each unit: greedy from the largest, then single moves while they help.

    The cost of a fold is the sum over classes, and over all images as one class more, of
    (images - wanted images)^2 / images of the class, so that a rare class weighs as much as a
    common one.
    """
    totals, weights = _totals(units)
    held = [[0] * len(totals) for _ in range(folds)]

    def gain(fold: int, counts: Sequence[int]) -> int:
        """What the cost grows by, times folds^2 and the precision."""
        return sum(
            weight * ((folds * (have + more) - total) ** 2 - (folds * have - total) ** 2)
            for weight, have, more, total in zip(weights, held[fold], counts, totals, strict=True)
            if more
        )

    def put(fold: int, counts: Sequence[int], sign: int) -> None:
        held[fold] = [have + sign * more for have, more in zip(held[fold], counts, strict=True)]

    order = sorted(range(len(units)), key=lambda u: (-units[u].counts[-1], units[u].key))
    assigned = [-1] * len(units)
    for _ in range(_MAX_PASSES):
        moved = False
        for index in order:
            counts, came_from = units[index].counts, assigned[index]
            if came_from >= 0:
                put(came_from, counts, -1)
            gains = [gain(fold, counts) for fold in range(folds)]
            best = min(range(folds), key=lambda fold: (gains[fold], fold))
            if came_from >= 0 and gains[best] >= gains[came_from]:
                best = came_from
            put(best, counts, 1)
            assigned[index] = best
            moved = moved or best != came_from
        if not moved:
            break
    return assigned


def _totals(units: Sequence[Unit]) -> tuple[list[int], list[int]]:
    """Images of each class and of all, and what a squared deviation of each counts."""
    totals = [sum(column) for column in zip(*(unit.counts for unit in units), strict=True)]
    return totals, [_PRECISION // total if total else 0 for total in totals]


def _most_even(units: Sequence[Unit], assigned: Sequence[int], folds: int) -> int:
    """The fold whose shares deviate least, by the cost of :func:`_assign`; the first of equals."""
    totals, weights = _totals(units)
    costs = []
    for fold in range(folds):
        held = [0] * len(totals)
        for unit, own in zip(units, assigned, strict=True):
            if own == fold:
                held = [have + more for have, more in zip(held, unit.counts, strict=True)]
        costs.append(
            sum(
                weight * (folds * have - total) ** 2
                for weight, have, total in zip(weights, held, totals, strict=True)
            )
        )
    return costs.index(min(costs))


def _fewest_units(units: Iterable[Unit], classes: Sequence[str]) -> tuple[str, int]:
    """The class that is in the fewest units, and in how many."""
    held = dict.fromkeys(classes, 0)
    for unit in units:
        for label, count in zip(classes, unit.counts, strict=False):
            held[label] += count > 0
    return min(held.items(), key=lambda entry: entry[1])


def _too_few(dataset: Dataset, units: Sequence[Unit], wanted: int) -> DataError:
    label, count = _fewest_units(units, dataset.classes)
    return DataError(
        f"the class {label!r} of {dataset.source} is in {count} groups, too few for {wanted} "
        "parts that each hold it; add images of other groups or take fewer --folds."
    )


def _shares(parts: Sequence[str]) -> tuple[float, float, float]:
    train, val, test = (parts.count(part) / len(parts) for part in ("train", "val", "test"))
    return train, val, test
