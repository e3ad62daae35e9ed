"""The records of a listing: which images there are, and what is known of each."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from train.data.medmnist import ArrayImage

__all__ = ["Dataset", "Sample", "SyntheticSource"]


@dataclass(frozen=True)
class SyntheticSource:
    """How to make a synthetic image again: the arguments of ``synthetic.generate``."""

    seed: int
    size: int
    shortcut: bool


@dataclass(frozen=True)
class Sample:
    """One image of a listing.

    Attributes:
        key: the image's name in the listing, unique: its relative path, or ``synthetic/000012``.
        label: its class.
        group: images that must stay together (a patient, near-duplicate frames); the key itself
            where the source names no groups.
        path: the file, or None for a synthetic image.
        mask_path: the lesion mask's file, for evaluation only.
        part: ``train``, ``val`` or ``test`` where the source's own split says so, else empty.
        synthetic: how to make the image where there is no file.
        array: where the image lies in a file of arrays.
        dicom_frame: which frame of a DICOM file it is, from 0; None for other files.
    """

    key: str
    label: str
    group: str
    path: Path | None = None
    mask_path: Path | None = None
    part: str = ""
    synthetic: SyntheticSource | None = None
    array: ArrayImage | None = None
    dicom_frame: int | None = None

    @property
    def where(self) -> str:
        """The image's name for messages: the full path where it has one."""
        if self.array is not None:
            return f"{self.array.file}, {self.key}"
        return str(self.path) if self.path is not None else self.key


@dataclass(frozen=True)
class Dataset:
    """A listing of images.

    Attributes:
        source: what the user named: a folder, a CSV or MedMNIST file, or a ``synthetic:``
            specification.
        samples: in a fixed order (sorted, or the CSV's own).
        classes: the labels, sorted; the position is the class index of the network.
        has_groups: whether the source names groups, rather than one group for each image.
    """

    source: str
    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    has_groups: bool

    @cached_property
    def listing_sha256(self) -> str:
        """Hash of what the split depends on: every key, label, group and part, in order."""
        digest = hashlib.sha256()
        for sample in self.samples:
            fields = (sample.key, sample.label, sample.group, sample.part)
            digest.update("\x1f".join(fields).encode() + b"\n")
        return digest.hexdigest()

    @cached_property
    def has_own_split(self) -> bool:
        """Whether the source says which part each image belongs to."""
        return bool(self.samples) and self.samples[0].part != ""

    def counts(self) -> dict[str, int]:
        """Images of each class, in class order."""
        counted = Counter(sample.label for sample in self.samples)
        return {label: counted[label] for label in self.classes}
