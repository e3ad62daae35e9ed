"""Who sees what when."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.errors import UsageError
from train.reader_study.design import Design, draw_cases, draw_schedules

sizes = st.tuples(st.integers(1, 9), st.integers(3, 40), st.integers(1, 2), st.integers(0, 2**32))


def _drawn(readers, cases, maps, seed):
    labels = [("polyp", "normal", "ulcer")[index % 3] for index in range(cases)]
    design = Design(readers, cases, maps, comparisons=cases // 2 if maps == 2 else 0)
    return design, labels, draw_schedules(labels, design, np.random.default_rng(seed))


@settings(max_examples=40)
@given(sizes)
def test_each_reader_reads_each_image_once_in_evenly_many_conditions(size):
    design, _, schedules = _drawn(*size)
    for schedule in schedules:
        assert sorted(reading.case for reading in schedule.readings) == list(range(design.cases))
        counts = Counter(reading.condition for reading in schedule.readings)
        assert len(counts) == design.conditions
        assert max(counts.values()) - min(counts.values()) <= 1


@settings(max_examples=40)
@given(sizes)
def test_each_image_meets_each_condition_equally_often(size):
    _, cases, maps, seed = size
    design, _, schedules = _drawn(3 * (1 + maps), cases, maps, seed)
    assert design.balanced
    met = Counter(
        (reading.case, reading.condition) for each in schedules for reading in each.readings
    )
    assert set(met.values()) == {3}


@settings(max_examples=40)
@given(sizes)
def test_conditions_are_spread_over_the_classes_and_over_time(size):
    design, labels, schedules = _drawn(*size)
    for schedule in schedules:
        by_class = Counter((labels[one.case], one.condition) for one in schedule.readings)
        for label in set(labels):
            counts = [by_class[label, condition] for condition in range(design.conditions)]
            assert max(counts) - min(counts) <= 1
        whole = len(schedule.readings) // design.conditions * design.conditions
        for start in range(0, whole, design.conditions):
            block = schedule.readings[start : start + design.conditions]
            assert len({one.condition for one in block}) == design.conditions


def test_each_map_is_on_the_left_half_of_the_time():
    _, _, schedules = _drawn(6, 24, 2, seed=1)
    for schedule in schedules:
        assert Counter(one.left for one in schedule.comparisons) == {1: 6, 2: 6}
        assert all({one.left, one.right} == {1, 2} for one in schedule.comparisons)


def test_readers_have_orders_of_their_own():
    _, _, schedules = _drawn(6, 24, 2, seed=1)
    orders = {tuple(one.case for one in schedule.readings) for schedule in schedules}
    assert len(orders) == 6


def test_chosen_images_are_of_all_classes_as_far_as_there_are():
    labels = ["common"] * 50 + ["rare"] * 3 + ["other"] * 20
    chosen = draw_cases(labels, 15, np.random.default_rng(0))
    assert Counter(labels[position] for position in chosen) == {"common": 6, "rare": 3, "other": 6}


@pytest.mark.parametrize(
    ("design", "problem"),
    [
        ({"maps": 3}, "one map or two"),
        ({"readers": 0}, "needs a reader"),
        ({"cases": 2}, "2 images cannot go round 3 conditions"),
        ({"comparisons": 30}, "12 images to compare maps on, not 30"),
    ],
)
def test_a_design_that_cannot_be_is_refused(design, problem):
    with pytest.raises(UsageError, match=problem):
        Design(**{"readers": 3, "cases": 12, "maps": 2, "comparisons": 12} | design)


def test_more_images_than_there_are_cannot_be_chosen():
    with pytest.raises(UsageError, match="there are 2 images, not 5"):
        draw_cases(["a", "b"], 5, np.random.default_rng(0))
