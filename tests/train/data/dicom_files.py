"""DICOM files made for tests, with pydicom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid


def dicom(pixels: NDArray[Any], **elements: Any) -> Dataset:
    """A data set with pixels ``[H, W]`` (grey), ``[H, W, 3]`` (colour) or ``[F, H, W]`` (film).

    A film needs ``NumberOfFrames``; every element may be set by name.
    """
    bits = 8 * pixels.dtype.itemsize
    film = "NumberOfFrames" in elements
    colour = pixels.ndim == 3 + film
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(elements)])
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.Rows, dataset.Columns = pixels.shape[film : film + 2]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(np.issubdtype(pixels.dtype, np.signedinteger))
    dataset.PixelData = pixels.tobytes()
    for name, value in elements.items():
        setattr(dataset, name, value)
    if "BitsStored" in elements:
        dataset.HighBit = dataset.BitsStored - 1
    return dataset


def write_dicom(path: Path, pixels: NDArray[Any], **elements: Any) -> Path:
    """Write what :func:`dicom` makes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dicom(pixels, **elements).save_as(path, enforce_file_format=True)
    return path
