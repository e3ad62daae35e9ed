"""Images in a MedMNIST file: one ``.npz`` with the arrays of a training, validation and test part.

Layout: ``{train,val,test}_images`` uint8 ``[N, H, W]`` or ``[N, H, W, 3]`` and
``{train,val,test}_labels`` integer ``[N, 1]`` (Yang et al., MedMNIST v2, Scientific Data 10, 41).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import DataError
from edge_runtime.images import grey_to_rgb

__all__ = ["ArrayImage", "list_arrays", "read_array_image"]

_PARTS = ("train", "val", "test")
_OPEN_FILES = 2


@dataclass(frozen=True)
class ArrayImage:
    """Where an image lies in a file of arrays.

    Attributes:
        file: the ``.npz``.
        part: ``train``, ``val`` or ``test``.
        index: position in the part's arrays.
    """

    file: Path
    part: str
    index: int


def list_arrays(path: Path) -> Iterator[tuple[ArrayImage, str]]:
    """Every image of a MedMNIST file with its label, part after part.

    Labels are the file's numbers, filled with zeros to one width so that they sort.

    Raises:
        DataError: the file is damaged, or holds something else than 2-D images with one class each.
    """
    arrays = _open(path)
    labels = {part: _labels(path, part, arrays[f"{part}_labels"]) for part in _PARTS}
    width = len(str(max(int(part.max(initial=0)) for part in labels.values())))
    for part in _PARTS:
        images = arrays[f"{part}_images"]
        grey, colour = images.ndim == 3, images.ndim == 4 and images.shape[-1] == 3
        if images.dtype != np.uint8 or not (grey or colour):
            raise DataError(
                f"{path}: {part}_images are {images.dtype} {list(images.shape)}; only uint8 "
                "[N, H, W] and [N, H, W, 3] can be used (no volumes)."
            )
        if len(images) != len(labels[part]):
            raise DataError(
                f"{path} has {len(images)} images but {len(labels[part])} labels in its {part} "
                "part; get the file again."
            )
        for index, label in enumerate(labels[part]):
            yield ArrayImage(path, part, index), f"{label:0{width}d}"


def read_array_image(source: ArrayImage) -> NDArray[np.uint8]:
    """One image, uint8 ``[H, W, 3]``; a grey one in three equal channels.

    Raises:
        DataError: the file cannot be read any more.
    """
    images = _open(source.file)[f"{source.part}_images"]
    if source.index >= len(images):
        raise DataError(f"{source.file} has changed since it was listed; start again.")
    image = images[source.index]
    return grey_to_rgb(image) if image.ndim == 2 else image


def _labels(path: Path, part: str, labels: NDArray[np.generic]) -> NDArray[np.int64]:
    flat = labels.reshape(len(labels), -1)
    if flat.shape[1:] != (1,) or not np.issubdtype(flat.dtype, np.integer):
        raise DataError(
            f"{path}: {part}_labels are {labels.dtype} {list(labels.shape)}; one class for each "
            "image is needed, as integers [N, 1]."
        )
    numbers = flat[:, 0].astype(np.int64)
    if (numbers < 0).any():
        raise DataError(f"{path}: {part}_labels has negative numbers; classes count from 0.")
    return numbers


def _open(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the file.") from error


@lru_cache(maxsize=_OPEN_FILES)
def _read(path: Path, _modified_ns: int) -> dict[str, NDArray[np.generic]]:
    wanted = [f"{part}_{kind}" for part in _PARTS for kind in ("images", "labels")]
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in wanted}
    except KeyError as error:
        raise DataError(f"{path} is no MedMNIST file: it has no array {error.args[0]}.") from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is damaged or no .npz file ({error}); get it again.") from error
