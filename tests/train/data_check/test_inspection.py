from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from train.data_check import Inspection, inspect_dataset
from train.run.progress import quiet_reporter


def test_images_are_counted_by_class_and_part(inspection: Inspection) -> None:
    table = inspection.report.table
    assert sum(table["marked"].values()) == 52
    assert sum(table["plain"].values()) == 21
    assert min(min(parts.values()) for parts in table.values()) > 0
    assert inspection.report.groups is None


def test_unreadable_files_are_named_and_no_finding_depends_on_them(inspection: Inspection) -> None:
    (sentence,) = inspection.report.unreadable
    assert "broken.png" in sentence
    assert len(inspection.samples) == len(inspection.thumbnails) == 72


def test_sizes_are_counted(inspection: Inspection) -> None:
    assert inspection.report.sizes == ((80, 60, 70), (79, 59, 2))


def test_near_duplicates_are_found_within_and_across_classes(inspection: Inspection) -> None:
    found = inspection.report.duplicates
    assert (found.pairs, found.images, found.across_classes) == (2, 4, 1)
    named = {frozenset(pair.files) for pair in found.listed}
    assert named == {
        frozenset({"marked/00.png", "marked/copy.png"}),
        frozenset({"plain/00.png", "marked/mislabelled.png"}),
    }
    across = [pair for pair in found.listed if pair.parts[0] != pair.parts[1]]
    assert len(across) == found.across_parts


def test_a_stricter_threshold_finds_fewer(suspicious: Path) -> None:
    with quiet_reporter() as reporter:
        strict = inspect_dataset(str(suspicious), 0, reporter, threshold=0)
    assert strict.report.duplicates.pairs < 2


def test_an_overlay_is_found_with_its_place_and_shares(inspection: Inspection) -> None:
    (overlay,) = inspection.report.overlays
    assert overlay.label == "marked"
    assert overlay.box == pytest.approx((0.05, 0.70, 0.20, 0.90), abs=0.04)
    assert overlay.shares["marked"] == pytest.approx(51 / 52, abs=0.03)
    assert overlay.shares["plain"] == 0


def test_groups_that_the_source_names_are_compared(suspicious: Path, tmp_path: Path) -> None:
    files = sorted(suspicious.glob("*/*.png"))
    lines = [f"{f},{f.parent.name},{f.stem}" for f in files if f.stem != "broken"]
    (tmp_path / "labels.csv").write_text("file,label,group\n" + "\n".join(lines))
    with quiet_reporter() as reporter:
        report = inspect_dataset(str(tmp_path), 0, reporter).report
    assert report.groups == 52
    assert report.duplicates.across_groups == 2


def test_a_black_border_is_measured(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for index in range(4):
            picture = np.zeros((40, 60, 3), np.uint8)
            picture[:, 20:] = 100
            cv2.imwrite(str(tmp_path / label / f"{index}.png"), picture)
    with quiet_reporter() as reporter:
        report = inspect_dataset(str(tmp_path), 0, reporter).report
    assert report.border == pytest.approx(1 / 3, abs=0.02)
    assert any("--roi auto" in sentence for sentence in report.advice())


def test_twelve_bits_in_files_of_sixteen_are_told(tmp_path: Path) -> None:
    """They are read nearly black."""
    random = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for index in range(5):
            picture = random.integers(0, 4096, (40, 40), np.uint16)
            cv2.imwrite(str(tmp_path / label / f"{index}.png"), picture)
    with quiet_reporter() as reporter:
        report = inspect_dataset(str(tmp_path), 0, reporter).report
    assert report.dark == 10
    assert any("12-bit values in 16-bit files" in sentence for sentence in report.advice())


def test_bright_pictures_are_not_called_dark(inspection: Inspection) -> None:
    assert inspection.report.dark == 0
