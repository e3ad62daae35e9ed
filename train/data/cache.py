"""Every image decoded once, as the bytes that the network will see.

Training on a CPU must train and not decode, so all images are held in memory as uint8, and can be
kept in a folder on disk, keyed by the content of the files and the preprocessing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime import synthetic
from edge_runtime.errors import DataError
from edge_runtime.files import atomic_path, sha256_bytes
from edge_runtime.images import decode_image
from edge_runtime.preprocessing import Preprocessing
from train.data.dicom import read_dicom
from train.data.medmnist import read_array_image
from train.data.sources import Sample

__all__ = [
    "LoadedImages",
    "content_sha256",
    "load_images",
    "read_frame",
    "synthetic_image",
    "visit_frames",
]

# Raised when decoding or preprocessing changes what it gives, so that old caches are not read.
_CACHE_VERSION = 1
Advance = Callable[[int], None]


@dataclass(frozen=True)
class LoadedImages:
    """Network bytes of a listing.

    Attributes:
        images: uint8 ``[N, H, W, 3]``, RGB, preprocessed.
        samples: the N images' records, in the same order.
        skipped: sentences about images that could not be read and were left out.
    """

    images: NDArray[np.uint8]
    samples: tuple[Sample, ...]
    skipped: tuple[str, ...] = ()

    def labels(self, classes: Sequence[str]) -> NDArray[np.int64]:
        """Class indices int64 ``[N]``."""
        index = {label: position for position, label in enumerate(classes)}
        return np.asarray([index[sample.label] for sample in self.samples], dtype=np.int64)

    @property
    def sha256(self) -> str:
        """Hash of all network bytes, to tell whether a later run sees the same images."""
        return sha256_bytes(np.ascontiguousarray(self.images).data)

    def select(self, wanted: Iterable[Sample]) -> LoadedImages:
        """The images of some samples, in listing order; samples that were skipped stay out."""
        keys = {sample.key for sample in wanted}
        chosen = [index for index, sample in enumerate(self.samples) if sample.key in keys]
        return LoadedImages(
            self.images[chosen], tuple(self.samples[index] for index in chosen), self.skipped
        )


def load_images(
    samples: Sequence[Sample],
    preprocessing: Preprocessing,
    *,
    cache_dir: Path | None = None,
    skip_bad: bool = False,
    advance: Advance | None = None,
) -> LoadedImages:
    """Decode and preprocess every sample.

    Args:
        samples: what to read.
        preprocessing: the network's view of a frame; the one implementation of it.
        cache_dir: keep the result here and read it from here next time.
        skip_bad: leave out images that cannot be read, and list them, instead of failing.
        advance: called with the number of images done so far.

    Raises:
        DataError: an image cannot be read (the sentence names it), or none is left.
        OutputError: the cache cannot be written.
    """
    if cache_dir is not None:
        target = Path(cache_dir) / f"images-{_cache_key(samples, preprocessing)}.npy"
        if target.is_file():
            images = np.load(target, mmap_mode="r", allow_pickle=False)
            if images.shape == (len(samples), preprocessing.height, preprocessing.width, 3):
                return LoadedImages(images, tuple(samples))
    loaded = _decode_all(samples, preprocessing, skip_bad=skip_bad, advance=advance)
    # A listing with unreadable files is not cached: the files may be repaired without a new name.
    if cache_dir is not None and not loaded.skipped:
        with atomic_path(target) as temporary, temporary.open("wb") as stream:
            np.save(stream, loaded.images, allow_pickle=False)
    return loaded


def synthetic_image(sample: Sample) -> synthetic.SyntheticSample:
    """Make the image and mask of a synthetic sample."""
    assert sample.synthetic is not None
    return synthetic.generate(
        sample.label,
        sample.synthetic.seed,
        size=sample.synthetic.size,
        shortcut=sample.synthetic.shortcut,
    )


def content_sha256(sample: Sample) -> str:
    """Hash of what a sample's image is made from: bytes, pixels, or the generator's arguments.

    Raises:
        DataError: the file cannot be read.
    """
    if sample.array is not None:
        pixels = read_array_image(sample.array)
        return sha256_bytes(str(pixels.shape).encode() + pixels.tobytes())
    if sample.path is None:
        return hashlib.sha256(f"{sample.label}:{sample.synthetic}".encode()).hexdigest()
    if sample.dicom_frame is None:
        return sha256_bytes(_read(sample.path))
    # A video of a thousand frames is hashed once, and not a thousand times.
    modified = sample.path.stat().st_mtime_ns if sample.path.exists() else 0
    return sha256_bytes(f"{_video_sha256(sample.path, modified)}:{sample.dicom_frame}".encode())


def _decode_all(
    samples: Sequence[Sample],
    preprocessing: Preprocessing,
    *,
    skip_bad: bool,
    advance: Advance | None,
) -> LoadedImages:
    images = np.empty((len(samples), preprocessing.height, preprocessing.width, 3), np.uint8)

    def fill(position: int, frame: NDArray[np.uint8]) -> None:
        preprocessing.apply_into(frame, images[position])

    problems = visit_frames(samples, fill, skip_bad=skip_bad, advance=advance)
    readable = [position for position, problem in enumerate(problems) if not problem]
    if not readable:
        raise DataError("none of the listed images can be read; check the files.")
    if len(readable) < len(samples):
        images = images[readable]
    return LoadedImages(
        images,
        tuple(samples[position] for position in readable),
        tuple(problem for problem in problems if problem),
    )


def visit_frames(
    samples: Sequence[Sample],
    visit: Callable[[int, NDArray[np.uint8]], None],
    *,
    skip_bad: bool = False,
    advance: Advance | None = None,
) -> list[str]:
    """Read every frame once, several at a time, and hand it on.

    Args:
        samples: what to read.
        visit: called with the position and the frame, uint8 ``[H, W, 3]``; from any thread, in
            any order.
        skip_bad: go on after an image that cannot be read.
        advance: called with the number of images done so far.

    Returns:
        For each sample the sentence of its error, empty where it could be read.

    Raises:
        DataError: an image cannot be read, without ``skip_bad``.
    """

    def read(position: int) -> str:
        try:
            visit(position, read_frame(samples[position]))
        except DataError as error:
            if not skip_bad:
                raise DataError(
                    f"{str(error).removesuffix('.')}, or leave such images out with --skip-bad."
                ) from error
            return str(error)
        return ""

    problems: list[str] = []
    # Decoding and resizing release the interpreter lock.
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        try:
            for done, problem in enumerate(pool.map(read, range(len(samples))), start=1):
                problems.append(problem)
                if advance is not None:
                    advance(done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return problems


def read_frame(sample: Sample) -> NDArray[np.uint8]:
    """The whole image of a sample, uint8 ``[H, W, 3]``, RGB.

    Raises:
        DataError: the file cannot be read.
    """
    if sample.array is not None:
        return read_array_image(sample.array)
    if sample.path is None:
        return synthetic_image(sample).image
    if sample.dicom_frame is not None:
        return read_dicom(sample.path, sample.dicom_frame)
    return decode_image(_read(sample.path), str(sample.path))


@lru_cache(maxsize=1)
def _video_sha256(path: Path, _modified_ns: int) -> str:
    return sha256_bytes(_read(path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the file.") from error


def _cache_key(samples: Sequence[Sample], preprocessing: Preprocessing) -> str:
    digest = hashlib.sha256(
        json.dumps([_CACHE_VERSION, preprocessing.to_json()], sort_keys=True).encode()
    )
    for sample in samples:
        digest.update(content_sha256(sample).encode())
    return digest.hexdigest()
