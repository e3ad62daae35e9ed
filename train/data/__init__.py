"""Images to arrays: where samples come from, how they are split, decoded once and augmented."""

from __future__ import annotations

from train.data.cache import LoadedImages, load_images
from train.data.sources import Dataset, Sample, open_dataset
from train.data.split import PARTS, Split, split_dataset

__all__ = [
    "PARTS",
    "Dataset",
    "LoadedImages",
    "Sample",
    "Split",
    "load_images",
    "open_dataset",
    "split_dataset",
]
