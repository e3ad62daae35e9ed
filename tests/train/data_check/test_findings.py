from __future__ import annotations

import dataclasses
import json

from train.data_check import Inspection
from train.data_check.findings import DuplicateFindings, DuplicatePair


def test_the_words_name_every_finding(inspection: Inspection) -> None:
    text = inspection.report.text()
    for words in (
        "images 73, groups: no groups",
        "sizes 80x60 (70), 79x59 (2)",
        "near-duplicates: 2 pairs of 4 images",
        "plain/00.png (plain,",
        "marked: columns ",
        "unreadable: ",
    ):
        assert words in text


def test_what_lies_beside_the_images_is_told(inspection: Inspection) -> None:
    report = dataclasses.replace(inspection.report, left_out={".gif": 50, "folders": 1})
    assert "left out: 51 entries of the class folders (.gif 50, folders 1)" in report.text()
    assert any("labels.csv" in sentence for sentence in report.advice())


def test_the_record_is_json_with_a_version(inspection: Inspection) -> None:
    record = json.loads(json.dumps(inspection.report.to_json()))
    assert record["schema"] == "1.1"
    assert record["duplicates"]["across_classes"] == 1
    assert record["overlays"][0]["label"] == "marked"
    assert record["advice"] == list(inspection.report.advice())


def test_imbalance_leaks_and_wrong_labels_are_advised_on(inspection: Inspection) -> None:
    advice = "\n".join(inspection.report.advice())
    assert "marked has 2.5 times the images of plain" in advice
    assert "1 pair of near-duplicates has two labels" in advice


def test_duplicates_across_parts_are_told_to_be_kept_together(inspection: Inspection) -> None:
    torn = dataclasses.replace(inspection.report.duplicates, across_parts=3)
    report = dataclasses.replace(inspection.report, duplicates=torn)
    assert any("3 pairs" in s and "--group-duplicates" in s for s in report.advice())
    own = dataclasses.replace(report, own_split=True)
    assert any("take them out of one part" in s for s in own.advice())


def test_pairs_of_two_labels_are_listed_first_and_those_that_are_not_listed_are_counted(
    inspection: Inspection,
) -> None:
    torn = [
        DuplicatePair((f"{i}.png", f"{i}b.png"), ("plain", "plain"), ("train", "test"), False)
        for i in range(6)
    ]
    mislabelled = DuplicatePair(("x.png", "y.png"), ("plain", "marked"), ("train", "train"), False)
    found = dataclasses.replace(inspection.report.duplicates, listed=(*torn, mislabelled))
    lines = dataclasses.replace(inspection.report, duplicates=found).text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("near-duplicates: ")) + 1
    assert lines[first] == "  x.png (plain, train) and y.png (marked, train)"
    assert lines[first + 5] == "  and 2 more; all are in what --json prints"


def test_a_sound_set_needs_no_advice(inspection: Inspection) -> None:
    parts = {"train": 160, "val": 20, "test": 20}
    report = dataclasses.replace(
        inspection.report,
        table={"a": parts, "b": parts},
        group_table={"a": parts, "b": parts},
        border=0.0,
        duplicates=DuplicateFindings(10, 0, 0, 0, 0, 0, ()),
        overlays=(),
        unreadable=(),
    )
    assert report.advice() == ()
    assert "near-duplicates: none\nshared overlays: none" in report.text()
