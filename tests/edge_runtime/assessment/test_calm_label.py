"""The shown label is calm: it changes for good reason and is never stuck."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.assessment.calm_label import CalmLabel, CalmOptions

A, B = np.array([0.8, 0.2]), np.array([0.2, 0.8])


def _shown(frames, options=None, fps=10):
    calm = CalmLabel(options)
    return [
        calm.update(probabilities, index / fps)[0] for index, probabilities in enumerate(frames)
    ]


def test_the_first_frame_shows_its_own_label():
    assert _shown([B]) == [1]


def test_a_single_frame_of_another_class_changes_nothing():
    assert _shown([A] * 10 + [B] + [A] * 10) == [0] * 21


def test_a_lasting_change_is_shown_when_the_mean_is_above_by_the_margin():
    # With k of 10 frames of B the means differ by 0.6 (2 k / 10 - 1): above 0.1 from k = 6 on.
    shown = _shown([A] * 20 + [B] * 20)
    assert shown.index(1) == 20 + 5


def test_two_classes_that_alternate_do_not_flicker():
    assert len(set(_shown([A, B] * 50)[2:])) == 1


def test_after_a_gap_longer_than_the_window_nothing_of_before_counts():
    calm = CalmLabel()
    for index in range(30):
        calm.update(A, index / 10)
    assert calm.update(B, 100.0) == (1, 0.8)


def test_a_window_of_zero_shows_every_frame_its_own():
    assert _shown([A, B, A, B], CalmOptions(window_seconds=0)) == [0, 1, 0, 1]


def test_a_clock_that_goes_back_begins_anew():
    calm = CalmLabel()
    for index in range(10):
        calm.update(A, 50 + index / 10)
    assert calm.update(B, 0.0) == (1, 0.8)


@pytest.mark.parametrize("wrong", [{"window_seconds": -1}, {"margin": 1.5}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError):
        CalmOptions(**wrong)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 2)), min_size=1, max_size=400),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_the_shown_class_is_never_worse_than_the_best_mean_by_more_than_the_margin(
    steps, window, margin
):
    calm, history, now = CalmLabel(CalmOptions(window, margin)), [], 0.0
    for value, pause in steps:
        now += pause
        history.append((now, np.array([value, 1 - value])))
        shown, mean = calm.update(history[-1][1], now)
        recent = [p for at, p in history[-256:-1] if at > now - window] + [history[-1][1]]
        means = np.mean(recent, axis=0)
        assert mean == pytest.approx(means[shown])
        assert means.max() - means[shown] <= margin + 1e-9
