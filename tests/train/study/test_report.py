"""The report of a study, from made rows."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from edge_runtime.errors import ArtifactError
from tests.pages import check_self_contained
from tests.train.study.conftest import made_record
from tests.train.study.test_analysis import ALL, HALF, LESIONS, MOSTLY
from train.row_file import ROWS_FOLDER
from train.study.frontier import undominated
from train.study.plan import Plan
from train.study.records import Record, read_records
from train.study.report import write_report


@pytest.fixture(scope="module")
def study(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Float in both folds, PACT in the first, and the report; tests only read it."""
    folder = tmp_path_factory.mktemp("made") / "study"
    plan.write(folder / "study.toml")
    records = (
        made_record(plan, "float", 0, HALF * 5, lesions=LESIONS),
        made_record(plan, "float", 1, MOSTLY * 5, first=20, lesions=LESIONS),
        made_record(plan, "pact_w8a8", 0, ALL * 5, lesions=LESIONS),
    )
    for record in records:
        record.write(folder / ROWS_FOLDER)
    write_report(folder)
    return folder


def test_the_tables_say_which_folds_there_are(study: Path) -> None:
    text = (study / "report.md").read_text()
    assert "| float | float | 2 of 2 | 62.5% (" in text
    assert "| PACT | W8A8 | 1 of 2 (0) | 100.0% (100.0 to 100.0) | +50.0 (" in text
    assert "Folds are missing of: pact_w8a8, pact_sgt_w8a8_k00." in text
    assert "Not run yet: ptq_w8a8," in text
    assert "simulated on 8-bit kernels" in text
    assert "| blind: best fixed pixel |" in text
    assert "share in display" in text
    titles = [line for line in text.splitlines() if line.endswith("of 'ill'")]
    assert titles == [
        "## Gradient, of 'ill'",
        "## Gradient at an early map, of 'ill'",
        "## Class activation map, of 'ill'",
    ]


def test_the_csv_has_every_figure_with_its_ends(study: Path) -> None:
    with (study / "table.csv").open(newline="") as lines:
        rows = {line["row"]: line for line in csv.DictReader(lines)}
    found = rows["float"]
    assert (found["folds"], found["images"], found["weight_bytes"]) == ("0 1", "40", "500")
    assert float(found["accuracy"]) == 0.625
    assert float(found["accuracy_low"]) < 0.625 < float(found["accuracy_high"])
    assert found["accuracy_minus_float"] == ""
    assert float(rows["pact_w8a8"]["accuracy_minus_float"]) == 0.5
    assert float(rows["blind: centre pixel"]["all/pointing"]) == 0.5


def test_the_page_loads_nothing_and_holds_the_recipe(study: Path) -> None:
    page = (study / "report.html").read_text()
    check_self_contained(page)
    assert "<svg" in page
    assert "backbone = &quot;small_cnn&quot;" in page


def test_a_row_that_lacks_folds_is_hollow_in_the_picture(study: Path) -> None:
    root = ElementTree.parse(study / "frontier.svg").getroot()
    space = "{http://www.w3.org/2000/svg}"
    fills = {
        group.findtext(f"{space}title", "").partition(":")[0]: group.find(f"{space}circle")
        for group in root.iter(f"{space}g")
    }
    assert fills["pact_w8a8"].get("fill") == "white"
    assert fills["float"].get("fill") != "white"
    texts = " ".join(element.text or "" for element in root.iter(f"{space}text"))
    assert "Simulated on 8-bit kernels" in texts


def test_the_frontier_has_what_nothing_as_cheap_beats() -> None:
    points = [(4.0, 0.9), (1.0, 0.7), (2.0, 0.95), (2.0, 0.8), (8.0, 0.95), (9.0, 0.96)]
    assert undominated(points) == [(1.0, 0.7), (2.0, 0.95), (9.0, 0.96)]


def test_a_study_without_rows_has_no_report(plan: Plan, tmp_path: Path) -> None:
    plan.write(tmp_path / "study.toml")
    assert "no finished row yet" in write_report(tmp_path)
    assert not (tmp_path / "report.md").exists()


def test_a_folder_that_is_no_study_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="not a study"):
        write_report(tmp_path)


def test_a_record_comes_back_from_its_file(plan: Plan, tmp_path: Path) -> None:
    record = made_record(plan, "float", 1, HALF, lesions=LESIONS)
    path = record.write(tmp_path / ROWS_FOLDER)
    assert path.name == f"float-fold1-{record.config_sha256[:12]}.json"
    assert read_records(tmp_path) == {(1, record.config_sha256): record}


@pytest.mark.parametrize(
    ("text", "named"),
    [("{", "damaged"), ('{"format": "other", "version": 1}', "another version"), ("[]", "damaged")],
)
def test_a_damaged_record_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "float-fold0-0.json"
    path.write_text(text)
    with pytest.raises(ArtifactError, match=named):
        Record.read(path)


def test_a_record_is_one_small_file_of_plain_numbers(plan: Plan, tmp_path: Path) -> None:
    path = made_record(plan, "float", 0, HALF * 80, lesions=LESIONS).write(tmp_path)
    assert path.stat().st_size < 40_000
    assert set(json.loads(path.read_text())["images"]) == {
        "index",
        "group",
        "label",
        "predicted",
        "probability",
    }
