from __future__ import annotations

import dataclasses
import html
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_runtime.errors import OutputError
from train.data_check import Inspection
from train.data_check.contact_sheet import overlay_sheet
from train.data_check.pages import write_pages


@pytest.fixture(scope="module")
def pages(inspection: Inspection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pages") / "report"
    write_pages(inspection, out)
    return out


def test_the_folder_holds_a_page_its_pictures_and_the_record(pages: Path) -> None:
    names = {path.name for path in pages.iterdir()}
    assert names == {
        "index.html",
        "report.json",
        "classes.png",
        "duplicates.png",
        "overlays.png",
    }
    page = (pages / "index.html").read_text()
    assert all(f'src="{name}"' in page for name in names if name.endswith(".png"))
    assert json.loads((pages / "report.json").read_text())["images"] == 73


def test_names_are_escaped(inspection: Inspection, tmp_path: Path) -> None:
    report = dataclasses.replace(inspection.report, source="<script>")
    write_pages(dataclasses.replace(inspection, report=report), tmp_path / "out")
    assert "<script>" not in (tmp_path / "out" / "index.html").read_text()


def test_what_to_do_is_told_once_and_before_the_details(
    inspection: Inspection, pages: Path
) -> None:
    page = (pages / "index.html").read_text()
    first = html.escape(inspection.report.advice()[0])
    assert page.count(first) == 1
    assert page.index(first) < page.index("near-duplicates: ")


def test_the_classes_have_a_row_each(pages: Path) -> None:
    with Image.open(pages / "classes.png") as sheet:
        assert sheet.width > 10 * 160
        assert sheet.height > 2 * 160


def test_the_overlay_is_outlined_where_it_is(inspection: Inspection) -> None:
    sheet = np.asarray(overlay_sheet(inspection)).astype(int)
    # The first tile, the mean of `marked`, lies at the left below the title.
    tile = sheet[32:192, 8:168]
    outline = (tile == (0, 255, 90)).all(axis=2)
    rows, columns = np.nonzero(outline)
    assert (columns.min() / 160, columns.max() / 160) == pytest.approx((0.05, 0.2), abs=0.04)
    assert (rows.min() / 160, rows.max() / 160) == pytest.approx((0.7, 0.9), abs=0.04)


def test_a_set_without_findings_has_no_such_pictures(
    inspection: Inspection, tmp_path: Path
) -> None:
    none = dataclasses.replace(inspection.report.duplicates, listed=())
    sound = dataclasses.replace(
        inspection,
        report=dataclasses.replace(inspection.report, duplicates=none),
        overlays=np.zeros_like(inspection.overlays),
    )
    write_pages(sound, tmp_path / "out")
    assert not (tmp_path / "out" / "duplicates.png").exists()
    assert not (tmp_path / "out" / "overlays.png").exists()


def test_an_earlier_folder_is_kept_without_force(inspection: Inspection, pages: Path) -> None:
    with pytest.raises(OutputError, match="exists already"):
        write_pages(inspection, pages)


def test_a_folder_of_images_is_kept_with_force(inspection: Inspection, tmp_path: Path) -> None:
    (tmp_path / "polyp").mkdir()
    with pytest.raises(OutputError, match="not replaced"):
        write_pages(inspection, tmp_path, force=True)
    assert (tmp_path / "polyp").is_dir()
