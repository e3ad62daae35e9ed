"""From a configuration to the arrays that a run trains and validates on."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import DataError
from edge_runtime.files import sha256_bytes
from edge_runtime.preprocessing import Preprocessing
from train.config import TrainConfig
from train.data import (
    Dataset,
    LoadedImages,
    Sample,
    Split,
    load_images,
    open_dataset,
    split_dataset,
)
from train.data.cache import read_frame
from train.data.duplicates import (
    THUMBNAIL,
    fingerprints,
    near_duplicates,
    with_duplicate_groups,
)
from train.data.region import find_region
from train.data.split import take_split
from train.run.progress import Reporter

__all__ = ["PreparedData", "list_images", "prepare"]

_FRAMES_OF_REGION = 200


@dataclass(frozen=True)
class PreparedData:
    """What training reads: no masks, and of the test part only the names.

    Attributes:
        dataset: the listing, of readable images.
        split: its parts.
        preprocessing: from a frame to network bytes, as on the device.
        train: images that are trained on.
        val: images that choose the checkpoint.
        train_labels: int64 ``[N]``.
        val_labels: int64 ``[M]``.
        skipped: sentences about unreadable images that were left out.
    """

    dataset: Dataset
    split: Split
    preprocessing: Preprocessing
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
    dataset = list_images(config, reporter)
    if config.data.split_file:
        split = take_split(Path(config.data.split_file), dataset)
    else:
        split = split_dataset(dataset, config.data.split_seed, config.data.fractions)
    preprocessing = _preprocessing(config, split.part("train"), reporter)
    loaded = _decoded("reading images", split.samples, preprocessing, config, reporter)
    for sentence in loaded.skipped:
        reporter.message(f"skipped: {sentence}")
    split = split.of(loaded.samples)
    dataset = dataclasses.replace(dataset, samples=split.samples)
    train, val = (loaded.select(split.part(part)) for part in ("train", "val"))
    train_labels, val_labels = train.labels(dataset.classes), val.labels(dataset.classes)
    for part, labels in (("train", train_labels), ("val", val_labels)):
        missing = sorted(set(range(len(dataset.classes))) - set(labels.tolist()))
        if missing:
            raise DataError(
                f"no image of the class {dataset.classes[missing[0]]!r} in {part} can be read; "
                "repair the files."
            )
    return PreparedData(
        dataset, split, preprocessing, train, val, train_labels, val_labels, loaded.skipped
    )


def list_images(config: TrainConfig, reporter: Reporter) -> Dataset:
    """The listing, with near-duplicates as groups where that is asked for.

    Raises:
        DataError: see ``open_dataset``; or an image has to be read for its group and cannot be.
    """
    dataset = open_dataset(config.data.source)
    return _grouped(dataset, config, reporter) if config.data.group_duplicates else dataset


def _grouped(dataset: Dataset, config: TrainConfig, reporter: Reporter) -> Dataset:
    samples = dataset.samples
    loaded = _decoded("looking for near-duplicates", samples, THUMBNAIL, config, reporter)
    pairs = near_duplicates(fingerprints(loaded.images), config.data.duplicate_threshold)
    grouped = with_duplicate_groups(dataset, [sample.key for sample in loaded.samples], pairs)
    shared = Counter(sample.group for sample in grouped.samples)
    several = [count for count in shared.values() if count > 1]
    reporter.message(
        f"near-duplicates: {sum(several)} images form {len(several)} groups, which the split keeps "
        "together."
    )
    return grouped


def _decoded(
    what_for: str,
    samples: Sequence[Sample],
    preprocessing: Preprocessing,
    config: TrainConfig,
    reporter: Reporter,
) -> LoadedImages:
    """The images as bytes, from the cache where there is one."""
    reporter.start(what_for, len(samples))
    return load_images(
        samples,
        preprocessing,
        cache_dir=Path(config.data.cache) if config.data.cache else None,
        skip_bad=config.data.skip_bad,
        advance=reporter.advance,
    )


def _preprocessing(
    config: TrainConfig, training: Sequence[Sample], reporter: Reporter
) -> Preprocessing:
    """The network's view of a frame; a region that is to be found comes from training images."""
    network = config.network
    if not network.region_is_sought:
        return network.preprocessing(network.given_region())
    chosen = training[:: max(1, len(training) // _FRAMES_OF_REGION)][:_FRAMES_OF_REGION]
    reporter.start("finding the field of view", len(chosen))
    frames = _readable_frames(chosen, config.data.skip_bad, reporter)
    found = find_region(frames, network.roi_shape)
    where = found.region.description if found.region else "the whole frame"
    reporter.message(f"field of view: {where}, of {found.frames} training images.")
    if found.deviating:
        reporter.message(
            f"{found.deviating} of them have more than a tenth of their lit pixels outside it: "
            "frames of several kinds, perhaps; look at them, or give --roi as numbers."
        )
    return network.preprocessing(found.region or network.given_region())


def _readable_frames(
    samples: Sequence[Sample], skip_bad: bool, reporter: Reporter
) -> Iterator[NDArray[np.uint8]]:
    for done, sample in enumerate(samples, start=1):
        try:
            yield read_frame(sample)
        except DataError:
            if not skip_bad:
                raise
        reporter.advance(done)
