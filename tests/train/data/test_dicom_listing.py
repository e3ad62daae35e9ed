from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_runtime.errors import DataError
from edge_runtime.preprocessing import Preprocessing
from tests.train.data.dicom_files import write_dicom
from train.data import load_images, open_dataset, split_dataset
from train.data.sample import Dataset

PATIENT = "Doe^4711"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two classes: single files of one patient in each, of others, a film and a PNG."""
    random = np.random.default_rng(0)
    root = tmp_path / "study"
    for label in ("a", "b"):
        for index in range(4):
            patient = PATIENT if index < 2 else f"{label}{index}"
            pixels = random.integers(0, 4096, (20, 24), dtype=np.uint16)
            write_dicom(root / label / f"{index}.dcm", pixels, PatientID=patient, BitsStored=12)
        cv2.imwrite(str(root / label / "x.png"), np.zeros((20, 24), np.uint8))
    film = random.integers(0, 255, (11, 20, 24), dtype=np.uint8)
    write_dicom(root / "b" / "1.2.840.99", film, NumberOfFrames=11)
    return root


def groups(dataset: Dataset) -> dict[str, str]:
    return {sample.key: sample.group for sample in dataset.samples}


def test_files_of_one_patient_are_a_group_without_a_name(study: Path) -> None:
    dataset = open_dataset(study)
    assert dataset.has_groups
    found = groups(dataset)
    together = [found[f"{label}/{index}.dcm"] for label in "ab" for index in (0, 1)]
    assert together == ["a/0.dcm"] * 4
    assert found["a/2.dcm"] == "a/2.dcm"
    assert "4711" not in repr(dataset)


def test_each_frame_of_a_film_is_a_sample_of_the_films_group(study: Path) -> None:
    dataset = open_dataset(study)
    frames = [sample for sample in dataset.samples if sample.key.startswith("b/1.2.840.99")]
    assert [frame.key for frame in frames] == [f"b/1.2.840.99#{index:02d}" for index in range(11)]
    assert {frame.group for frame in frames} == {"b/1.2.840.99"}
    loaded = load_images(frames, Preprocessing(20, 24))
    assert len({image.tobytes() for image in loaded.images}) == 11


def test_a_csv_may_name_the_patients_and_files_without_a_suffix(study: Path) -> None:
    lines = [f"{label}/{index}.dcm,{label},p{index}" for label in "ab" for index in range(4)]
    (study / "labels.csv").write_text(
        "file,label,patient_id\n" + "\n".join([*lines, "b/1.2.840.99,b,film"]) + "\n"
    )
    found = groups(open_dataset(study))
    assert found["a/1.dcm"] == found["b/1.dcm"] == "p1"
    assert found["b/1.2.840.99#00"] == "film"


def test_a_film_with_one_mask_is_refused(study: Path) -> None:
    (study / "labels.csv").write_text("file,label,mask\nb/1.2.840.99,b,a/x.png\n")
    with pytest.raises(DataError, match="11 frames but one mask"):
        open_dataset(study)


def test_a_set_of_one_patient_is_refused(tmp_path: Path) -> None:
    for label in ("a", "b"):
        for index in range(3):
            write_dicom(
                tmp_path / label / f"{index}.dcm", np.zeros((4, 4), np.uint8), PatientID="X"
            )
    with pytest.raises(DataError, match="one group"):
        open_dataset(tmp_path)


def test_no_identifier_gets_into_the_split(study: Path) -> None:
    for index in range(30):
        for label in ("a", "b"):
            path = study / label / f"more-{index}.dcm"
            write_dicom(
                path, np.full((4, 4), index, np.uint8), PatientID=f"Doe^{index % 12}{label}"
            )
    text = split_dataset(open_dataset(study), 0).csv_text
    assert "Doe" not in text
    assert "more-3.dcm" in text


def test_a_damaged_file_is_listed_and_can_be_skipped(study: Path) -> None:
    (study / "a" / "3.dcm").write_bytes(b"\0" * 128 + b"DICM nothing")
    dataset = open_dataset(study)
    assert "a/3.dcm" in groups(dataset)
    loaded = load_images(dataset.samples, Preprocessing(8, 8), skip_bad=True)
    assert len(loaded.skipped) == 1
    assert "3.dcm" in loaded.skipped[0]


def test_decoded_frames_are_cached_by_content(study: Path, tmp_path: Path) -> None:
    samples = open_dataset(study).samples
    counted: list[int] = []
    first = load_images(samples, Preprocessing(8, 8), cache_dir=tmp_path / "cache")
    again = load_images(
        samples, Preprocessing(8, 8), cache_dir=tmp_path / "cache", advance=counted.append
    )
    np.testing.assert_array_equal(first.images, again.images)
    assert counted == []
    film = np.zeros((11, 20, 24), np.uint8)
    write_dicom(study / "b" / "1.2.840.99", film, NumberOfFrames=11)
    changed = load_images(samples, Preprocessing(8, 8), cache_dir=tmp_path / "cache")
    assert not changed.images[-12].any()
