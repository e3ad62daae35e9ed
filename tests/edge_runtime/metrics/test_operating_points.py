"""Thresholds for a wanted sensitivity, against counts made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.metrics import detection_rates, threshold_for_sensitivity

SCORES = [0.9, 0.8, 0.6, 0.3, 0.7, 0.2]
IS_CLASS = [True, True, True, True, False, False]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(1.0, 0.25), (0.75, 0.45), (0.7, 0.45), (0.5, 0.75), (0.25, 0.85), (0.01, 0.85)],
)
def test_it_lies_half_way_below_the_lowest_score_that_is_needed(
    wanted: float, expected: float
) -> None:
    assert threshold_for_sensitivity(SCORES, IS_CLASS, wanted) == pytest.approx(expected)


def test_a_share_of_whole_images_is_not_rounded_up() -> None:
    scores = np.linspace(0.05, 1.0, 20)
    threshold = threshold_for_sensitivity(scores, np.ones(20, bool), 0.95)
    assert (scores >= threshold).sum() == 19


def test_a_score_just_below_the_lowest_that_is_needed_is_still_rejected() -> None:
    lower = np.nextafter(0.5, 0)
    threshold = threshold_for_sensitivity([0.5, np.nextafter(lower, 0), lower], [True] * 3, 0.6)
    assert [score >= threshold for score in (0.5, lower, np.nextafter(lower, 0))] == [
        True,
        True,
        False,
    ]


def test_rates_are_shares_of_the_class_and_of_the_rest() -> None:
    found = detection_rates(SCORES, IS_CLASS, 0.45, range(6))
    assert (found.sensitivity.value, found.specificity.value) == (0.75, 0.5)
    assert (found.positives, found.negatives) == (4, 2)
    assert found.sensitivity.low < 0.75 < found.sensitivity.high


def test_images_of_one_group_are_resampled_together() -> None:
    scores, is_class = [0.9] * 40 + [0.1] * 40, [True] * 80
    apart = detection_rates(scores, is_class, 0.5, range(80)).sensitivity
    together = detection_rates(scores, is_class, 0.5, [i // 10 for i in range(80)]).sensitivity
    assert together.high - together.low > apart.high - apart.low


def test_without_images_of_the_class_there_is_no_sensitivity() -> None:
    found = detection_rates([0.4, 0.6], [False, False], 0.5, "ab")
    assert np.isnan(found.sensitivity.value)
    assert found.specificity.value == 0.5


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40).filter(
        lambda images: any(positive for _, positive in images)
    ),
    st.floats(0.01, 1),
)
def test_the_wanted_share_is_reached_and_no_higher_threshold_reaches_it(
    images: list[tuple[float, bool]], wanted: float
) -> None:
    scores = np.array([score for score, _ in images])
    positive = np.array([is_class for _, is_class in images])
    threshold = threshold_for_sensitivity(scores, positive, wanted)
    assert (scores[positive] >= threshold).mean() >= wanted - 1e-9
    lowest = scores[positive & (scores >= threshold)].min()
    assert (scores[positive] > lowest).mean() < wanted


@pytest.mark.parametrize(
    ("scores", "is_class", "wanted", "sentence"),
    [
        ([0.1], [True, False], 0.9, "one length"),
        ([0.1], [False], 0.9, "no image"),
        ([0.1], [True], 0.0, "sensitivity of 0.0"),
        ([1.1], [True], 0.9, "not a probability"),
        ([float("nan")], [True], 0.9, "not a probability"),
    ],
)
def test_what_cannot_be_chosen_from_is_named(scores, is_class, wanted, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        threshold_for_sensitivity(scores, is_class, wanted)
