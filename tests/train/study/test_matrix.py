"""Which rows there are, and in which order they are worth having."""

from __future__ import annotations

import pytest

from edge_runtime.errors import UsageError
from train.study.matrix import BASELINE, MATRIX, PRESETS, choose_rows, in_order


def test_the_matrix_has_what_the_paper_left_open() -> None:
    widths = {"W8A8", "W4A4", "W4A8", "W2A8", "W2A4", "W2A2"}
    for title in ("PACT + SGT", "PACT", "post-training, mse ranges"):
        assert {row.width for row in MATRIX.values() if row.title == title} == widths
    masked = [row.tables["guidance"]["k"] for row in MATRIX.values() if ", k = " in row.title]
    assert masked == [0.0, 0.3, 0.5, 0.7]
    assert MATRIX["sgt"].is_float and MATRIX["sgt"].tables["guidance"] == {"enabled": True}


def test_every_preset_compares_with_the_baseline() -> None:
    for preset in PRESETS.values():
        assert preset.rows[0] == BASELINE


def test_a_stage_is_done_fold_by_fold_before_the_next_begins() -> None:
    rows = choose_rows("pact_sgt_w8a8_k30,pact_w8a8,float", "full")
    assert [(row.name, fold) for row, fold in in_order(rows, 2)] == [
        ("float", 0),
        ("pact_w8a8", 0),
        ("float", 1),
        ("pact_w8a8", 1),
        ("pact_sgt_w8a8_k30", 0),
        ("pact_sgt_w8a8_k30", 1),
    ]


def test_the_rows_of_a_preset_are_taken_unless_some_are_named() -> None:
    assert tuple(row.name for row in choose_rows(None, "quick")) == PRESETS["quick"].rows
    assert [row.name for row in choose_rows("ptq_w4a4, float", "quick")] == ["float", "ptq_w4a4"]


def test_a_row_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match="no row 'pact3'"):
        choose_rows("float,pact3", "full")
