"""DICOM files in a listing: one sample for each frame, one group for each patient."""

from __future__ import annotations

import dataclasses

from edge_runtime.errors import DataError
from train.data.dicom import is_dicom, read_header
from train.data.sample import Sample

__all__ = ["DicomListing"]


class DicomListing:
    """Turns the files of one listing into samples.

    A patient's identifier never leaves this class: a group is named after the first file of its
    patient, so that nothing that is written tells who it is (a hash would not do, since
    identifiers are few enough to try).

    Attributes:
        has_groups: whether any samples so far belong together.
    """

    def __init__(self) -> None:
        self._first_file: dict[tuple[str, str], str] = {}
        self.has_groups = False

    def samples_of(self, file: Sample) -> list[Sample]:
        """The samples of one file; a file that is not DICOM is one sample as it is.

        Args:
            file: a sample of the whole file; its group is its key unless the source names one.

        Raises:
            DataError: a file of several frames has one mask.
            DependencyError: pydicom is not installed.
        """
        if file.path is None or not is_dicom(file.path):
            return [file]
        try:
            header = read_header(file.path)
        except DataError:
            # Listed all the same: reading it says what is wrong, and may be told to skip it.
            return [dataclasses.replace(file, dicom_frame=0)]
        group = file.group
        if group == file.key and any(header.patient):
            group = self._first_file.setdefault(header.patient, file.key)
        self.has_groups |= group != file.key or header.frames > 1
        if header.frames == 1:
            return [dataclasses.replace(file, group=group, dicom_frame=0)]
        if file.mask_path is not None:
            raise DataError(
                f"{file.path} has {header.frames} frames but one mask; list its frames as files of "
                "their own, or empty the mask."
            )
        digits = len(str(header.frames - 1))
        return [
            dataclasses.replace(
                file, key=f"{file.key}#{frame:0{digits}d}", group=group, dicom_frame=frame
            )
            for frame in range(header.frames)
        ]
