"""What lies in the page and what in the key."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_runtime.errors import DataError, UsageError
from tests.pages import check_self_contained
from tests.train.reader_study.conftest import COLORS
from train.reader_study import StudyOptions, make_study
from train.reader_study.make import PAGE_FILE
from train.reader_study.pictures import MapChoice
from train.run.progress import quiet_reporter


def _picture(address):
    encoded = address.partition(",")[2]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"))


def test_the_page_loads_nothing(study):
    check_self_contained((study / PAGE_FILE).read_text(), runs_own_scripts=True)


def test_the_page_tells_no_file_no_truth_and_no_source_of_a_map(study, page_data, key):
    page = (study / PAGE_FILE).read_text()
    for address in page_data["pictures"].values():
        page = page.replace(address, "")
    assert len(page) < 40_000
    for secret in ("patient-smith", "gradient", "toy", str(key.seed)):
        assert secret not in page
    # The class names are the answers that can be given, and stand nowhere else.
    assert page_data["classes"] == list(key.classes)
    assert sorted(page_data) == [
        "classes", "format", "pictures", "readers", "scale", "study", "title", "version",
    ]  # fmt: skip
    assert list(page_data["pictures"]) == sorted(page_data["pictures"])


def test_the_key_tells_all_of_it(key, page_data):
    assert [source.saliency for source in key.maps] == ["gradient", "cam"]
    assert {case.label for case in key.cases} == set(COLORS)
    for case in key.cases:
        assert case.file.startswith(f"{case.label}/patient-smith")
        assert case.predicted == (case.label, case.label)
        assert {case.case, *case.maps} <= set(page_data["pictures"])
    assert len(page_data["pictures"]) == 3 * len(key.cases)


def test_a_case_is_the_picture_that_the_key_names(key, page_data):
    for case in key.cases:
        alone = _picture(page_data["pictures"][case.case])
        spot = alone[24, 14 + 12 * int(case.file[-5])].astype(int)
        assert np.abs(spot - COLORS[case.label]).max() < 12
        for name in case.maps:
            assert np.abs(_picture(page_data["pictures"][name]).astype(int) - alone).max() > 60


def test_the_maps_of_the_page_are_those_of_the_bundle_in_the_order_of_the_key(
    study, key, page_data, toy_bundle, colored, tmp_path
):
    single = StudyOptions(
        maps=(MapChoice(toy_bundle, "cam"),), out=tmp_path / "cam", data=str(colored), part="all"
    )
    with quiet_reporter() as reporter:
        made = make_study(single, reporter)
    from train.reader_study import read_key

    other_key = read_key(made.key)
    page = made.page.read_text()
    by_file = {case.file: case.maps[0] for case in other_key.cases}
    for case in key.cases:
        address = page_data["pictures"][case.maps[1]]
        assert f'"{by_file[case.file]}":"{address}"' in page
        assert page_data["pictures"][case.maps[0]] != address


def test_the_same_seed_makes_the_same_study(toy_bundle, colored, tmp_path):
    pages = []
    for name in ("one", "two"):
        options = StudyOptions(
            maps=(MapChoice(toy_bundle),), out=tmp_path / name, data=str(colored), part="all",
            seed=5, cases=4,
        )  # fmt: skip
        with quiet_reporter() as reporter:
            pages.append(make_study(options, reporter).page.read_bytes())
    assert pages[0] == pages[1]


def test_studies_without_a_seed_differ(study, toy_bundle, colored, tmp_path):
    options = StudyOptions(
        maps=(MapChoice(toy_bundle),), out=tmp_path / "s", data=str(colored), part="all", cases=4
    )
    found = set()
    for name in ("one", "two"):
        with quiet_reporter() as reporter:
            make_study(replace(options, out=tmp_path / name), reporter)
        found.add((tmp_path / name / "key.json").read_text())
    assert len(found) == 2


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"cases": 400}, "there are 12 images, not 400"),
        ({"comparisons": 3}, "give two"),
    ],
)
def test_a_study_that_cannot_be_is_refused(changed, problem, toy_bundle, colored, tmp_path):
    options = StudyOptions(
        maps=(MapChoice(toy_bundle),), out=tmp_path / "s", data=str(colored), part="all", **changed
    )
    with pytest.raises(UsageError, match=problem), quiet_reporter() as reporter:
        make_study(options, reporter)
    assert not (tmp_path / "s").exists()


def test_two_equal_maps_are_refused(tmp_path):
    with pytest.raises(UsageError, match="both maps are the same"):
        StudyOptions(maps=(MapChoice(Path("a.edge")), MapChoice(Path("a.edge"))), out=tmp_path)


def test_an_image_whose_map_shows_nothing_is_refused(toy_bundle, tmp_path):
    for label in ("red", "green"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for index in range(3):
            black = Image.new("RGB", (32, 32))
            black.save(tmp_path / "data" / label / f"{index}.png")
    options = StudyOptions(
        maps=(MapChoice(toy_bundle),), out=tmp_path / "s", data=str(tmp_path / "data"), part="all"
    )
    with pytest.raises(DataError, match="without any contrast"), quiet_reporter() as reporter:
        make_study(options, reporter)
