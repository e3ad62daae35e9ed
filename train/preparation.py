"""From a configuration to the arrays that a run trains and validates on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import DataError
from edge_runtime.files import sha256_bytes
from train.config import TrainConfig
from train.data import Dataset, LoadedImages, Split, load_images, open_dataset, split_dataset
from train.data.split import take_split
from train.progress import Reporter

__all__ = ["PreparedData", "prepare"]


@dataclass(frozen=True)
class PreparedData:
    """What training reads: no masks, and of the test part only the names.

    Attributes:
        dataset: the listing.
        split: its parts.
        train: images that are trained on.
        val: images that choose the checkpoint.
        train_labels: int64 ``[N]``.
        val_labels: int64 ``[M]``.
        skipped: sentences about unreadable images that were left out.
    """

    dataset: Dataset
    split: Split
    train: LoadedImages
    val: LoadedImages
    train_labels: NDArray[np.int64]
    val_labels: NDArray[np.int64]
    skipped: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names by index."""
        return self.dataset.classes

    @property
    def images_sha256(self) -> str:
        """Hash of the network bytes of both parts."""
        return sha256_bytes(f"{self.train.sha256}:{self.val.sha256}".encode())

    def counts(self) -> dict[str, int]:
        """Images of each part, as split."""
        counted = Counter(self.split.parts)
        return {part: counted[part] for part in ("train", "val", "test")}


def prepare(config: TrainConfig, reporter: Reporter) -> PreparedData:
    """List, split and decode.

    All images are decoded, those of the test part to find unreadable files now and not at the
    evaluation.

    Raises:
        DataError: see ``open_dataset``, ``split_dataset``, ``take_split`` and ``load_images``; or
            the unreadable images leave a class without one in a part.
        ArtifactError: the file of the split cannot be read.
    """
    dataset = open_dataset(config.data.source)
    if config.data.split_file:
        split = take_split(Path(config.data.split_file), dataset)
    else:
        split = split_dataset(dataset, config.data.split_seed, config.data.fractions)
    reporter.start("reading images", len(dataset.samples))
    loaded = load_images(
        dataset.samples,
        config.network.preprocessing,
        cache_dir=Path(config.data.cache) if config.data.cache else None,
        skip_bad=config.data.skip_bad,
        advance=reporter.advance,
    )
    for sentence in loaded.skipped:
        reporter.message(f"skipped: {sentence}")
    train, val = (loaded.select(split.part(part)) for part in ("train", "val"))
    train_labels, val_labels = train.labels(dataset.classes), val.labels(dataset.classes)
    for part, labels in (("train", train_labels), ("val", val_labels)):
        missing = sorted(set(range(len(dataset.classes))) - set(labels.tolist()))
        if missing:
            raise DataError(
                f"no image of the class {dataset.classes[missing[0]]!r} in {part} can be read; "
                "repair the files."
            )
    return PreparedData(dataset, split, train, val, train_labels, val_labels, loaded.skipped)
