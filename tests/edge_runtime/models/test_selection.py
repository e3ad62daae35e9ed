"""The record of which model runs: every way that it can change."""

from __future__ import annotations

import json

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge_runtime.errors import ArtifactError
from edge_runtime.models import TRIAL_STARTS, Selection

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def test_a_chosen_model_runs_on_trial_while_the_good_one_waits():
    selection = Selection(good=A).choose(B)
    assert (selection.wanted, selection.trial, selection.good) == (B, B, A)


def test_a_model_that_proved_itself_takes_the_place_of_the_good_one():
    selection = Selection(good=A).choose(B).start(B).prove(B)
    assert selection == Selection(good=B, previous=(A,))


def test_a_model_that_failed_leaves_the_good_one_and_its_reason():
    selection = Selection(good=A).choose(B).give_up(B, "it crashed")
    assert selection == Selection(good=A, failed={B: "it crashed"})


def test_choosing_a_failed_model_again_clears_its_failure():
    assert Selection(good=A, failed={B: "it crashed"}).choose(B).failed == {}


def test_choosing_the_good_model_ends_a_trial():
    assert Selection(good=A, trial=B, starts=1).choose(A) == Selection(good=A)


def test_a_trial_is_over_after_its_starts():
    selection = Selection(good=A).choose(B)
    for _ in range(TRIAL_STARTS):
        assert not selection.exhausted
        selection = selection.start(B)
    assert selection.exhausted


def test_a_start_that_ended_in_order_does_not_count():
    assert Selection(good=A).choose(B).start(B).end_in_order(B).starts == 0


@pytest.mark.parametrize("change", ["start", "end_in_order", "prove"])
def test_what_happens_to_another_model_does_not_touch_the_trial(change):
    selection = Selection(good=A, trial=B, starts=1)
    assert getattr(selection, change)(C) == selection


def test_rolling_back_ends_a_trial_and_then_goes_to_the_model_before():
    selection = Selection(good=B, trial=C, previous=(A,)).roll_back()
    assert selection == Selection(good=B, previous=(A,))
    assert selection.roll_back() == Selection(good=A)
    with pytest.raises(ArtifactError, match="no earlier good model"):
        selection.roll_back().roll_back()


@pytest.mark.parametrize("used", [A, B])
def test_a_model_in_use_cannot_be_forgotten(used):
    with pytest.raises(ArtifactError, match="is in use"):
        Selection(good=A, trial=B).forget(used)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"good": "../../etc"},
        {"trial": 7},
        {"starts": -1},
        {"starts": True},
        {"previous": ["A" * 64]},
        {"failed": {A: None}},
    ],
)
def test_a_damaged_record_is_refused(change):
    with pytest.raises(ValueError):
        Selection.from_json({**Selection(good=A).to_json(), **change})


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens in whatever order, a good model stays at hand once there was one."""

    models = st.sampled_from((A, B, C))

    def __init__(self):
        super().__init__()
        self.selection = Selection()
        self.ever_proven = False

    @rule(model=models)
    def choose(self, model):
        self.selection = self.selection.choose(model)

    @rule(model=models)
    def start(self, model):
        self.selection = self.selection.start(model)

    @rule(model=models)
    def end_in_order(self, model):
        self.selection = self.selection.end_in_order(model)

    @rule(model=models)
    def prove(self, model):
        self.ever_proven |= self.selection.trial == model
        self.selection = self.selection.prove(model)

    @rule(model=models)
    def give_up(self, model):
        self.selection = self.selection.give_up(model, "it failed")

    @rule()
    def roll_back(self):
        try:
            self.selection = self.selection.roll_back()
        except ArtifactError:
            assert self.selection.trial is None or self.selection.good is None

    @rule(model=models)
    def forget(self, model):
        try:
            self.selection = self.selection.forget(model)
        except ArtifactError:
            assert model in (self.selection.good, self.selection.trial)

    @invariant()
    def a_good_model_is_never_lost(self):
        assert (self.selection.good is not None) == self.ever_proven

    @invariant()
    def the_model_on_trial_is_no_failed_one(self):
        assert self.selection.trial not in self.selection.failed

    @invariant()
    def no_model_stands_twice_among_the_proven(self):
        assert len(set(self.selection.proven)) == len(self.selection.proven)

    @invariant()
    def the_record_reads_back(self):
        assert Selection.from_json(json.loads(json.dumps(self.selection.to_json()))) == (
            self.selection
        )


TestAnyHistory = AnyHistory.TestCase
