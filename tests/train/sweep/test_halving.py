"""Ending bad trials early, and the board that trials report to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.errors import UsageError
from train.sweep.board import Board
from train.sweep.halving import Halving, HalvingState
from train.sweep.metric import METRICS
from train.sweep.records import EpochFigures


def epoch(number: int, recall: float) -> EpochFigures:
    return EpochFigures(number, recall, recall, 1 - recall)


def test_rungs_are_powers_of_the_reduction() -> None:
    halving = Halving(grace=2, reduction=3)
    assert [number for number in range(1, 60) if halving.is_rung(number)] == [2, 6, 18, 54]


def test_of_nine_trials_in_turn_those_of_the_best_third_so_far_go_on() -> None:
    state = HalvingState(Halving(1, 3))
    values = [0.5, 0.6, 0.4, 0.7, 0.65, 0.1, 0.9, 0.69, 0.7]
    goes_on = [state.goes_on(str(i), 1, value) for i, value in enumerate(values)]
    assert goes_on == [True, True, False, True, True, False, True, True, True]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(2, 5))
def test_the_best_so_far_always_goes_on(values: list[float], reduction: int) -> None:
    state = HalvingState(Halving(1, reduction))
    for number, value in enumerate(values):
        goes_on = state.goes_on(str(number), 1, value)
        assert goes_on or value < max(values[:number])


def test_settings_that_judge_nobody_are_refused() -> None:
    with pytest.raises(UsageError):
        Halving(0)
    with pytest.raises(UsageError):
        Halving(1, 1)


def test_the_board_stops_a_bad_trial_at_a_rung_and_never_at_its_end() -> None:
    board = Board(METRICS["macro_sensitivity"], Halving(1, 2), {"before": (epoch(1, 0.9),)})
    for trial, recall, is_last in (("bad", 0.5, False), ("done", 0.4, True), ("good", 0.95, False)):
        attempt = board.begin(trial)
        expected = "stop" if trial == "bad" else "go on"
        assert board.report(trial, attempt, epoch(1, recall), is_last) == expected
    # A worker that died before it could say so comes back to the same verdict.
    assert board.report("bad", board.begin("bad"), epoch(1, 0.5), False) == "stop"


def test_lower_is_better_where_the_metric_says_so() -> None:
    board = Board(METRICS["loss"], Halving(1, 2), {"before": (epoch(1, 0.9),)})
    assert board.report("worse", board.begin("worse"), epoch(1, 0.1), False) == "stop"


def test_an_attempt_that_another_took_the_place_of_is_told_so() -> None:
    board = Board(METRICS["accuracy"], None, {})
    first, second = board.begin("trial"), board.begin("trial")
    assert board.report("trial", first, epoch(1, 0.5), False) == "superseded"
    assert board.report("trial", second, epoch(1, 0.5), False) == "go on"
    assert board.progress() == {"trial": epoch(1, 0.5)}
