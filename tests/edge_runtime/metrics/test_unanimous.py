"""A share of 0 or 1 has an interval that says of how many groups it is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge_runtime.metrics import bootstrap_intervals, bootstrap_mean
from edge_runtime.metrics.unanimous import unanimous_interval

CLASSES = ["normal", "polyp"]


# The lower end of Clopper and Pearson's interval for n of n, as tables have it.
@pytest.mark.parametrize(("trials", "low"), [(1, 0.025), (10, 0.6915), (100, 0.9638)])
def test_the_end_is_that_of_the_exact_interval(trials: int, low: float) -> None:
    interval = unanimous_interval(np.ones(trials, bool), np.arange(trials), 0.95)
    assert interval is not None
    assert (interval.value, interval.high) == (1.0, 1.0)
    assert interval.low == pytest.approx(low, abs=5e-5)
    opposite = unanimous_interval(np.zeros(trials, bool), np.arange(trials), 0.95)
    assert opposite is not None
    assert (opposite.low, opposite.high) == (0.0, pytest.approx(1.0 - low, abs=5e-5))


def test_outcomes_that_differ_are_left_to_the_bootstrap() -> None:
    assert unanimous_interval(np.array([True, False]), np.arange(2), 0.95) is None
    assert unanimous_interval(np.array([], bool), np.arange(0), 0.95) is None


def test_images_of_one_group_count_once() -> None:
    alone = bootstrap_mean([1.0] * 8, list(range(8)), replicates=10)
    assert bootstrap_mean([1.0] * 80, [number // 10 for number in range(80)]) == alone


def test_a_classifier_without_an_error_is_not_certain_to_have_none() -> None:
    labels = np.arange(20) % 2
    scores = np.eye(2)[labels]
    found = bootstrap_intervals(labels, scores, list(range(20)), CLASSES, replicates=10)
    assert found["accuracy"].low == pytest.approx(0.025 ** (1 / 20))
    for name in ("sensitivity/polyp", "specificity/normal", "macro_sensitivity"):
        assert found[name].low == pytest.approx(0.025 ** (1 / 10)), name


def test_a_class_that_is_always_right_beside_one_that_is_not() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    scores = np.eye(2)[[0, 0, 0, 1, 1, 0]]
    found = bootstrap_intervals(labels, scores, list(range(6)), CLASSES, replicates=200)
    assert found["sensitivity/normal"].low == pytest.approx(0.025 ** (1 / 3))
    assert found["macro_sensitivity"].low < found["macro_sensitivity"].value < 1.0


def test_a_mean_of_nothing_stays_undefined() -> None:
    assert math.isnan(bootstrap_mean([math.nan, math.nan], ["a", "b"], replicates=5).low)
