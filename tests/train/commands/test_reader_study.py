"""The two commands in turn, as a user types them."""

from __future__ import annotations

import json

import pytest

from edge_runtime import cli
from tests.commands import runner
from tests.train.reader_study.conftest import write_colored
from train.reader_study.records import ANSWERS_FORMAT, ANSWERS_VERSION


@pytest.fixture
def saliedge(capsys):
    return runner(cli.main, capsys)


def test_a_study_is_made_and_analysed(saliedge, toy_bundle, tmp_path):
    study, data = tmp_path / "study", tmp_path / "data"
    write_colored(data)
    made = saliedge(
        "reader-study", "make", toy_bundle, f"{toy_bundle}:cam", "--data", data, "--split", "all",
        "--readers", "2", "--out", study,
    )  # fmt: skip
    assert made.code == 0
    told = made.out + made.err
    assert "12 images in 3 conditions, 12 comparisons, 2 readers" in told
    assert "2 readers are no multiple of 3" in told

    key = json.loads((study / "key.json").read_text())
    readings = [
        {
            "case": case["case"], "map": None, "diagnosis": case["label"], "confidence": 5,
            "usefulness": None, "seconds": 2.0, "breaks": 0,
        }
        for case in key["cases"]
    ]  # fmt: skip
    answers = {
        "format": ANSWERS_FORMAT, "version": ANSWERS_VERSION, "study": key["study"], "reader": 1,
        "session": "x", "began": "", "saved": "", "complete": False, "readings": readings,
        "comparisons": [],
    }  # fmt: skip
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(answers))
    found = saliedge("reader-study", "analyse", file, "--key", study / "key.json", "--json")
    assert found.code == 0
    conditions = json.loads(found.out)["conditions"]
    assert conditions[0]["figures"]["accuracy"]["value"] == 1
    assert conditions[1]["readings"] == 0

    again = saliedge(
        "reader-study", "analyse", file, "--key", study / "key.json", "--out", tmp_path / "results"
    )
    assert again.code == 0
    assert "One reader: the intervals tell nothing of other readers." in again.out
    assert (tmp_path / "results" / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("make", "a.edge:heat", "--out", "s"), 2, "there is no map 'heat'"),
        (("make", "a.edge", "--out", "s", "--data", "d"), 4, "a.edge"),
        (("analyse", "none.json", "--key", "none.json"), 4, "none.json does not exist"),
    ],
)
def test_what_cannot_be_is_one_sentence(saliedge, arguments, code, problem):
    ended = saliedge("reader-study", *arguments)
    assert ended.code == code
    assert problem in ended.err
