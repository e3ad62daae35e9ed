"""DICOM files: which frames are in them, whose they are, and what a frame looks like.

A frame becomes RGB bytes in this order:

1. *Decoding* by pydicom: uncompressed, deflated and RLE files by itself, JPEG and JPEG 2000 by
   Pillow. Other compressions need a decoder that pydicom names; without it the file is an error.
2. *Colour*: YBR is converted to RGB and palettes are looked up; of more than 8 bits the highest 8
   are kept.
3. *Grey*: see :mod:`train.data.grey_levels`; then three equal channels.

The reader never shows what is in a file: no error repeats a value, and the patient's identifier
only tells which files belong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import DataError, DependencyError
from edge_runtime.image_files import IMAGE_SUFFIXES
from edge_runtime.images import grey_to_rgb
from train.data.grey_levels import display_levels

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["DicomHeader", "is_dicom", "read_dicom", "read_header"]

_SUFFIXES = (".dcm", ".dicom")
_PREAMBLE, _MAGIC = 128, b"DICM"
_HEADER = ("NumberOfFrames", "PatientID", "IssuerOfPatientID", "Rows")


@dataclass(frozen=True)
class DicomHeader:
    """What a listing needs of a file.

    Attributes:
        frames: how many pictures are in it.
        patient: identifier and its issuer; both empty if the file has none. Compare it, never
            write it anywhere.
    """

    frames: int
    patient: tuple[str, str]


def is_dicom(path: Path) -> bool:
    """Tell a DICOM file by its suffix, or by the magic number where the suffix is no image's."""
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES:
        return True
    if suffix in IMAGE_SUFFIXES:
        return False
    try:
        with path.open("rb") as stream:
            return stream.read(_PREAMBLE + len(_MAGIC))[_PREAMBLE:] == _MAGIC
    except OSError:
        return False


def read_header(path: Path) -> DicomHeader:
    """Read how many frames a file has, and whose they are.

    Raises:
        DataError: the file cannot be read or holds no pictures.
    """
    dataset = _read_dataset(path, list(_HEADER))
    try:
        frames = int(dataset.get("NumberOfFrames") or 1)
        has_pictures = "Rows" in dataset and frames >= 1
    except (TypeError, ValueError):
        has_pictures = False
    if not has_pictures:
        raise DataError(f"{path} holds no pictures; remove it from the listing.")
    patient, issuer = (
        str(dataset.get(name) or "").strip() for name in ("PatientID", "IssuerOfPatientID")
    )
    return DicomHeader(frames, (patient, issuer) if patient else ("", ""))


def read_dicom(path: Path, frame: int) -> NDArray[np.uint8]:
    """Read one frame as it is to be seen.

    Args:
        path: a DICOM file.
        frame: counts from 0.

    Returns:
        uint8 ``[H, W, 3]``, RGB.

    Raises:
        DataError: the file is damaged, has no such frame, or is compressed in a way that no
            installed decoder knows.
        DependencyError: pydicom is not installed.
    """
    dataset = _read_dataset(path)
    _check_decoder(dataset, path)
    try:
        return _picture(dataset, path, frame)
    except Exception as error:  # a decoder fed with damaged bytes raises nearly anything
        # The error's own words may repeat values of the file.
        raise DataError(
            f"frame {frame} of {path} cannot be decoded ({type(error).__name__}); repair or "
            "remove the file."
        ) from error


def _picture(dataset: Dataset, path: Path, frame: int) -> NDArray[np.uint8]:
    from pydicom.pixels import apply_color_lut, pixel_array

    stored: NDArray[Any] = pixel_array(path, index=frame)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        colours = apply_color_lut(stored, dataset)
        return _highest_byte(colours[..., :3], 8 * colours.dtype.itemsize)
    if stored.ndim == 3:
        return _highest_byte(stored, int(dataset.BitsStored))
    return grey_to_rgb(display_levels(stored, dataset, frame))


def _highest_byte(colours: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(colours >> max(0, bits - 8), dtype=np.uint8)


def _read_dataset(path: Path, names: list[str] | None = None) -> Dataset:
    """All elements but the pixels, or those with the given names."""
    pydicom = _pydicom()
    try:
        dataset: Dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=names)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the file.") from error
    except Exception as error:  # damaged files raise nearly anything
        raise DataError(
            f"{path} is damaged or no DICOM file ({type(error).__name__}); replace or remove it."
        ) from error
    return dataset


def _check_decoder(dataset: Dataset, path: Path) -> None:
    from pydicom.pixels import get_decoder

    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is None or not syntax.is_encapsulated:
        return
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise DataError(
            f"{path} is compressed as {syntax.name}, which cannot be read; convert it, or extract "
            "the frames of a video."
        ) from None
    if not decoder.is_available:
        raise DataError(
            f"{path} is compressed as {syntax.name}, for which no decoder is installed; install "
            f"one ({'; or '.join(decoder.missing_dependencies)}) or decompress the file."
        )


def _pydicom() -> Any:
    try:
        import pydicom
    except ImportError:
        raise DependencyError(
            "DICOM files need pydicom; install it: pip install 'saliedge[train]'."
        ) from None
    # Warnings about ill-formed values would print them.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    return pydicom
