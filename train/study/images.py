"""The images of a study, decoded once: the parts of each fold, and the lesions that are tested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.metrics import blind_pointing
from edge_runtime.preprocessing import Preprocessing
from train.config import TrainConfig
from train.data import Dataset, LoadedImages, Sample, load_images
from train.data.masks import has_mask, load_mask
from train.preparation import list_images
from train.run.progress import Reporter
from train.study.folds import Folds, make_folds

__all__ = ["FoldImages", "StudyImages"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class FoldImages:
    """What one fold calibrates on and is measured on.

    Attributes:
        train: images to calibrate ranges on.
        val: images to fit the temperature on.
        test: images to measure on.
        ranks: place of each test image in the order of contents.
        groups: number of the group of each test image.
        lesion_class: the class that has most masks in the whole study, or the empty string.
        lesions: positions within ``test`` of the images of that class with a mask.
        masks: their masks, bool ``[H, W]``.
        fixed_pixel: the pixel that most masks of the training part hold.
    """

    train: LoadedImages
    val: LoadedImages
    test: LoadedImages
    ranks: tuple[int, ...]
    groups: tuple[int, ...]
    lesion_class: str
    lesions: tuple[int, ...]
    masks: tuple[Mask, ...]
    fixed_pixel: tuple[int, int]


@dataclass(frozen=True)
class _Decoded:
    """All images and masks, as one preprocessing shows them."""

    loaded: LoadedImages
    masks: dict[str, Mask]
    lesion_class: str

    def lesion(self, sample: Sample) -> Mask | None:
        return self.masks.get(sample.key) if sample.label == self.lesion_class else None


class StudyImages:
    """All images of a study.

    Attributes:
        dataset: the listing.
        folds: who tests what.
    """

    def __init__(self, dataset: Dataset, folds: Folds) -> None:
        self.dataset, self.folds = dataset, folds
        self._decoded: dict[Preprocessing, _Decoded] = {}

    @classmethod
    def open(cls, config: TrainConfig, folds: int, reporter: Reporter) -> StudyImages:
        """List the images and deal them out; none is decoded unless groups are to be found.

        Raises:
            DataError, UsageError: see ``list_images`` and ``make_folds``.
        """
        dataset = list_images(config, reporter)
        return cls(dataset, make_folds(dataset, folds))

    def fold(
        self,
        number: int,
        preprocessing: Preprocessing,
        cache: Path,
        *,
        skip_bad: bool,
        reporter: Reporter,
    ) -> FoldImages:
        """The parts of a fold, as the networks of the fold see them.

        Raises:
            DataError: an image or a mask cannot be read.
            OutputError: the cache cannot be written.
        """
        if preprocessing not in self._decoded:
            self._decoded[preprocessing] = _decode(
                self.dataset.samples, preprocessing, cache, skip_bad, reporter
            )
        decoded = self._decoded[preprocessing]
        split = self.folds.split(number)
        train, val, test = (
            decoded.loaded.select(split.part(part)) for part in ("train", "val", "test")
        )
        position = {sample.key: index for index, sample in enumerate(self.dataset.samples)}
        places = [position[sample.key] for sample in test.samples]
        found = [decoded.lesion(sample) for sample in test.samples]
        known = [mask for sample in train.samples if (mask := decoded.lesion(sample)) is not None]
        return FoldImages(
            train=train,
            val=val,
            test=test,
            ranks=tuple(self.folds.rank_of[place] for place in places),
            groups=tuple(self.folds.unit_of[place] for place in places),
            lesion_class=decoded.lesion_class,
            lesions=tuple(index for index, mask in enumerate(found) if mask is not None),
            masks=tuple(mask for mask in found if mask is not None),
            fixed_pixel=blind_pointing(known).best_pixel if known else (0, 0),
        )


def _decode(
    samples: Sequence[Sample],
    preprocessing: Preprocessing,
    cache: Path,
    skip_bad: bool,
    reporter: Reporter,
) -> _Decoded:
    reporter.start("reading images", len(samples))
    loaded = load_images(
        samples, preprocessing, cache_dir=cache, skip_bad=skip_bad, advance=reporter.advance
    )
    masks = {}
    for sample in loaded.samples:
        mask = load_mask(sample, preprocessing) if has_mask(sample) else None
        if mask is not None:
            masks[sample.key] = mask
    counts = Counter(sample.label for sample in loaded.samples if sample.key in masks)
    most = min(counts, key=lambda label: (-counts[label], label)) if counts else ""
    return _Decoded(loaded, masks, most)
