"""What a data set holds, before anything is trained on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from edge_runtime.errors import DataError
from train.data.cache import read_frame
from train.data.masks import has_mask
from train.data.sources import open_dataset
from train.data.split import DEFAULT_FRACTIONS, PARTS, split_dataset

__all__ = ["DatasetReport", "inspect_dataset"]


@dataclass(frozen=True)
class DatasetReport:
    """Counts of a data set.

    Attributes:
        images: how many are listed.
        table: class to part to number of images.
        groups: how many groups, or None where the source names none.
        masks: images with a lesion mask.
        smallest: width and height of the image with the fewest pixels.
        largest: width and height of the image with the most.
        unreadable: sentences about images that cannot be read.
    """

    images: int
    table: Mapping[str, Mapping[str, int]]
    groups: int | None
    masks: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    unreadable: tuple[str, ...]

    def text(self) -> str:
        """The report for people."""
        width = max(len("class"), *(len(label) for label in self.table))
        header = f"{'class':{width}}  {'train':>6} {'val':>6} {'test':>6} {'all':>6}"
        lines = [header]
        for label, counts in self.table.items():
            numbers = [counts[part] for part in PARTS]
            row = " ".join(f"{number:6d}" for number in [*numbers, sum(numbers)])
            lines.append(f"{label:{width}}  {row}")
        groups = "no groups, each image is its own" if self.groups is None else f"{self.groups}"
        lines += [
            f"images {self.images}, groups: {groups}, with a mask: {self.masks}",
            f"sizes from {self.smallest[0]}x{self.smallest[1]} to "
            f"{self.largest[0]}x{self.largest[1]} pixels",
        ]
        lines += [f"unreadable: {sentence}" for sentence in self.unreadable]
        return "\n".join(lines)


def inspect_dataset(source: str, split_seed: int) -> DatasetReport:
    """List, split and read every image.

    Raises:
        DataError: the source cannot be listed or split; unreadable images are only reported.
    """
    dataset = open_dataset(source)
    split = split_dataset(dataset, split_seed, DEFAULT_FRACTIONS)
    counted = Counter(
        (sample.label, part) for sample, part in zip(split.samples, split.parts, strict=True)
    )
    sizes: list[tuple[int, int]] = []
    unreadable: list[str] = []
    for sample in dataset.samples:
        try:
            height, width = read_frame(sample).shape[:2]
            sizes.append((width, height))
        except DataError as error:
            unreadable.append(str(error))
    sizes.sort(key=lambda size: (size[0] * size[1], size))
    return DatasetReport(
        images=len(dataset.samples),
        table={label: {p: counted[label, p] for p in PARTS} for label in dataset.classes},
        groups=len({s.group for s in dataset.samples}) if dataset.has_groups else None,
        masks=sum(has_mask(sample) for sample in dataset.samples),
        smallest=sizes[0] if sizes else (0, 0),
        largest=sizes[-1] if sizes else (0, 0),
        unreadable=tuple(unreadable),
    )
