"""Reports of many boards as one."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest

from benchmarks.merge.boards import read_boards
from benchmarks.merge.card import card_text
from benchmarks.report import Report
from edge_runtime.errors import ArtifactError, UsageError
from tests.pages import check_self_contained


@pytest.fixture
def on_board(report, tmp_path):
    """Function that writes the report as of a board: on_board("Raspberry Pi 5") -> its path."""

    def write(name, file=None, **changes):
        conditions = copy.deepcopy(report.conditions)
        conditions["machine"]["board"] = name
        path = tmp_path / f"{file or name}.json"
        path.write_bytes(replace(report, conditions=conditions, **changes).to_bytes())
        return path

    return write


def test_boards_go_by_their_names_and_two_of_a_kind_stay_two(on_board):
    paths = [on_board("Pi 5", "a"), on_board("Pi 4", "b"), on_board("Pi 5", "c", seconds=2.0)]
    assert list(read_boards(paths).reports) == ["Pi 5", "Pi 4", "Pi 5 (2)"]


def test_the_same_measurement_given_twice_is_one(on_board):
    assert list(read_boards([on_board("Pi 5"), on_board("Pi 5", "copy")]).reports) == ["Pi 5"]


def test_a_merged_file_holds_the_reports_whole_and_can_be_merged_again(on_board, report, tmp_path):
    merged = tmp_path / "merged.json"
    merged.write_bytes(read_boards([on_board("Pi 5"), on_board("Pi 4")]).to_bytes())
    again = read_boards([merged, on_board("Pi 3")])
    assert list(again.reports) == ["Pi 5", "Pi 4", "Pi 3"]
    assert again.reports["Pi 4"].results == report.results


def test_a_machine_without_a_name_goes_by_its_processor(on_board):
    (name,) = read_boards([on_board({"absent": "no model"}, "x")]).reports
    assert name


def test_reports_of_different_bundles_are_refused(on_board, report):
    other = replace(report.bundle, sha256="cd" * 32)
    with pytest.raises(UsageError, match="different bundles"):
        read_boards([on_board("Pi 5"), on_board("Pi 4", bundle=other)])


def test_a_card_names_every_bundle_and_its_conditions_none(wide_report):
    head, _, conditions = card_text({"Pi 5": wide_report}).partition("**Pi 5**")
    assert "`first.edge` (`abababababababab`), input 128 x 96, `second.edge`" in head
    assert "onnx int8, 2 threads, first.edge" in head
    assert "sha256" not in conditions


@pytest.mark.parametrize("record", [[], {"kind": "saliedge-bench-merged", "schema": "2.0"}])
def test_another_file_is_refused_in_one_sentence(tmp_path, record):
    path = tmp_path / "other.json"
    path.write_text(json.dumps(record))
    with pytest.raises(ArtifactError, match="cannot be used"):
        read_boards([path])


def test_the_card_gives_what_int8_changes_against_float(on_board):
    reports = read_boards([on_board("Pi 5")]).reports
    lines = card_text(reports).splitlines()
    (int8,) = (line for line in lines if line.startswith("| Pi 5 | onnx int8 |"))
    # 2 and 3 ms against 4 and 4 ms, round by round; its size is that of the float graph here.
    assert "| 2.50 | -38 % (-50 % to -25 %) |" in int8
    assert int8.endswith("| 4.00 | +0 % |")
    (plain,) = (line for line in lines if line.startswith("| Pi 5 | onnx float32 |"))
    assert plain.endswith("| 4.00 | - |")
    assert "not stable" in "\n".join(lines)


def test_every_line_of_the_card_has_the_same_columns(on_board):
    text = card_text(read_boards([on_board("a|b", "x"), on_board("Pi 5")]).reports)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
    assert len(rows) == 2 + 2 * 3


def test_the_command_writes_the_page_the_card_and_the_file(bench, on_board, tmp_path):
    page, card, merged = (tmp_path / f"boards.{suffix}" for suffix in ("html", "md", "json"))
    ending = bench(
        "merge", on_board("Pi 5"), on_board("Pi 4"), "--html", page, "--card", card,
        "--json", merged,
    )  # fmt: skip
    assert ending.code == 0, ending.err
    check_self_contained(page.read_text())
    for name in ("Pi 5", "Pi 4"):
        assert name in ending.out
        assert f"<h2>{name}</h2>" in page.read_text()
        assert f"| {name} |" in card.read_text()
        boards = json.loads(merged.read_bytes())["boards"]
        assert Report.from_json(boards[name]).bundle.file == "first.edge"
