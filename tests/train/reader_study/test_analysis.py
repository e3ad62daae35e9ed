"""What answers come to: figures worked out by hand, and figures of a library."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.errors import ArtifactError, DataError
from tests.pages import check_self_contained
from train.reader_study import analyse, read_answers, read_key, write_report
from train.reader_study.agreement import fleiss_agreement
from train.reader_study.report import report_text


def _by_name(found):
    return {one.name: one for one in found}


@pytest.fixture
def analysis(made_key, answered):
    """Nine readers: half right alone, all right with A, three of four with B; A is preferred."""
    return analyse(
        made_key,
        [
            answered(reader, right=(0.5, 1, 0.75), confidence=(2, 4, 3), seconds=(8, 4, 2))
            for reader in range(1, 10)
        ],
    )


def test_accuracy_confidence_and_time_by_condition(analysis):
    conditions = _by_name(analysis.conditions)
    assert {name: one.readings for name, one in conditions.items()} == {
        "image alone": 36, "map A": 36, "map B": 36, "with a map": 72,
    }  # fmt: skip
    accuracy = {name: one.figures["accuracy"].value for name, one in conditions.items()}
    assert accuracy == {"image alone": 0.5, "map A": 1.0, "map B": 0.75, "with a map": 0.875}
    confidence = {name: one.figures["confidence"].value for name, one in conditions.items()}
    assert confidence == {"image alone": 2, "map A": 4, "map B": 3, "with a map": 3.5}
    # Geometric mean of 4 and 2 seconds.
    assert conditions["with a map"].figures["seconds"].value == pytest.approx(math.sqrt(8))
    assert "usefulness" not in conditions["image alone"].figures
    assert conditions["map A"].figures["usefulness"].value == 4


def test_differences_have_intervals_and_time_is_a_ratio(analysis):
    differences = {(one.name, one.other): one.figures for one in analysis.differences}
    found = differences["map A", "image alone"]
    assert found["accuracy"].value == 0.5
    assert 0 < found["accuracy"].low < 0.5 < found["accuracy"].high <= 1
    assert found["confidence"].value == 2
    assert found["seconds"].value == pytest.approx(0.5)
    assert differences["map B", "map A"]["accuracy"].value == -0.25
    assert differences["map B", "map A"]["usefulness"].value == 0


def test_an_interval_is_wider_where_readers_differ(made_key, answered):
    alike = analyse(made_key, [answered(reader, right=(0.5, 1, 1)) for reader in range(1, 7)])
    unlike = analyse(
        made_key,
        [answered(reader, right=((0, 1)[reader % 2], 1, 1)) for reader in range(1, 7)],
    )
    widths = []
    for found in (alike, unlike):
        interval = _by_name(found.conditions)["image alone"].figures["accuracy"]
        assert interval.value == 0.5
        widths.append(interval.high - interval.low)
    assert widths[1] > 1.2 * widths[0]


def test_images_that_the_network_gets_wrong_are_apart(made_key, answered):
    """The last two cases; readers who are half right are right on the first cases of each."""
    analysis = analyse(made_key, [answered(reader, right=(0.5,) * 3) for reader in range(1, 4)])
    figures = _by_name(analysis.conditions)["with a map"].figures
    assert figures["accuracy_network_wrong"].value == 0
    assert figures["accuracy_network_right"].value == pytest.approx(12 / 20)


def test_preference_is_of_the_map_and_not_of_its_side(made_key, answered):
    given = [answered(1, preferred=0), answered(2, preferred=1), answered(3, preferred=0)]
    given.append(answered(4, preferred=None))
    found = analyse(made_key, given).preference
    assert found.answers == 48
    assert {name: one.value for name, one in found.shares.items()} == {
        "map A": 0.5, "map B": 0.25, "no difference": 0.25,
    }  # fmt: skip
    assert found.first_minus_second.value == 0.25
    # The sides alternate, so that A and B were on the left half of the time.
    assert found.left.value == 0.5


def test_kappa_is_that_of_fleiss_example():
    """Fleiss 1971 by way of Wikipedia: 14 raters, 10 subjects, 5 categories, kappa 0.210."""
    counts = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    answers = np.array([np.repeat(np.arange(5), row) for row in counts]).T
    found = fleiss_agreement("x", answers, 5, [str(index) for index in range(10)])
    assert (found.cases, found.readers, found.left_out) == (10, 14, 0)
    assert found.kappa.value == pytest.approx(0.210, abs=5e-4)
    assert found.kappa.low < 0.210 < found.kappa.high


def test_kappa_takes_images_with_equally_many_answers():
    answers = np.array([[0, 1, 0, 1, 0], [0, 1, 0, 1, -1], [0, 1, 1, -1, -1]])
    found = fleiss_agreement("x", answers, 2, list("abcde"))
    assert (found.cases, found.readers, found.left_out) == (3, 3, 2)
    assert fleiss_agreement("x", answers[:1], 2, list("abcde")) is None


def test_agreement_is_told_of_each_question(analysis):
    agreement = _by_name(analysis.agreement)
    assert list(agreement) == [
        "diagnosis, all conditions", "diagnosis, image alone", "diagnosis, map A",
        "diagnosis, map B", "preferred map",
    ]  # fmt: skip
    assert agreement["diagnosis, map A"].kappa.value == 1
    assert agreement["diagnosis, map A"].readers == 3


def test_unfinished_answers_count_as_far_as_they_go(made_key, answered, saved):
    whole = answered(1)
    part = answered(2)
    part = replace(part, readings=part.readings[:5], comparisons=(), complete=False)
    analysis = analyse(made_key, read_answers([saved(whole), saved(part)], made_key))
    assert sum(row.readings for row in analysis.readers) == 17
    assert "Unfinished: reader 2." in report_text(analysis)


def test_text_markdown_and_page_tell_the_same(analysis, tmp_path):
    out = tmp_path / "results"
    write_report(analysis, out)
    page, markdown = (out / "report.html").read_text(), (out / "report.md").read_text()
    check_self_contained(page)
    text = report_text(analysis)
    for told in ("map A is toy, gradient", "50.0 % (", "+50.0 (", "Fleiss' kappa"):
        assert told in text and told in markdown
    assert "50.0 % (" in page
    record = json.loads((out / "analysis.json").read_text())
    assert record["conditions"][0]["figures"]["accuracy"]["value"] == 0.5
    assert "seed" not in record and "cases" in record


def _changed(answers, at=0, **changed):
    record = answers.to_json()["readings"]
    record[at] |= changed
    return {"readings": record}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda _: {"study": "other"}, "is of the study other"),
        (lambda _: {"reader": 12}, "is of reader 12, but the study has 9"),
        (lambda _: {"format": "x"}, "is not a file that a reader saved"),
        (lambda _: {"version": 9}, "another version"),
        (lambda given: _changed(given, case="c99"), "the case c99, which the study does not know"),
        (lambda given: _changed(given, case="c1", map="c1-A"), "two readings of the case c1"),
        (lambda given: _changed(given, diagnosis="z"), "as 'z', which is no class"),
        (lambda given: _changed(given, confidence=6), "a confidence of 6"),
        (lambda given: _changed(given, map="c5-A"), "a map that is not its own"),
        (lambda given: _changed(given, seconds=-1), "negative time"),
        (lambda given: _changed(given, seconds="long"), "is damaged: readings"),
        (lambda given: _changed(given, usefulness=None), "usefulness does not go with its map"),
    ],
)
def test_answers_that_cannot_be_are_refused(change, problem, made_key, answered, saved):
    given = answered(1)  # whose first case is read with map A
    with pytest.raises(DataError, match=problem):
        read_answers([saved(given, **change(given))], made_key)


def test_a_reader_counts_once(made_key, answered, saved):
    with pytest.raises(DataError, match="are both of reader 1"):
        read_answers([saved(answered(1)), saved(answered(1))], made_key)


def test_a_study_that_nobody_read_is_refused(made_key, answered):
    nobody = replace(answered(1), readings=(), comparisons=())
    with pytest.raises(DataError, match="no reader has answered anything"):
        analyse(made_key, [nobody])


def test_what_is_no_key_is_refused(made_key, answered, saved, tmp_path):
    with pytest.raises(ArtifactError, match=r"is not key\.json of a study"):
        read_key(saved(answered(1)))
    with pytest.raises(ArtifactError, match="does not exist"):
        read_key(tmp_path / "none.json")
