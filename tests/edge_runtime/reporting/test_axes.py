"""Marks of an axis: round, within its ends, and few."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.reporting.axes import linear_ticks, log_ticks


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4), st.integers(3, 12))
def test_linear_ticks_lie_within_their_ends_and_are_few(low, span, most):
    ticks = linear_ticks(low, low + span, most)
    assert 1 <= len(ticks) <= most
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in ticks)


@pytest.mark.parametrize(
    ("ends", "ticks"),
    [((0, 10), [0, 5, 10]), ((47.8, 88.2), [50, 60, 70, 80]), ((1.9, 2.4), [2.0, 2.2, 2.4])],
)
def test_linear_ticks_are_round(ends, ticks):
    assert linear_ticks(*ends, 4) == ticks


@given(st.floats(1e-3, 1e4), st.floats(1.02, 1e4))
def test_log_ticks_lie_within_their_ends_and_are_few(low, factor):
    ticks = log_ticks(low, low * factor)
    assert all(low * 0.999999 <= tick <= low * factor * 1.000001 for tick in ticks)
    assert len(ticks) <= 10


@given(st.floats(1e-3, 1e4), st.floats(1.5, 1e4))
def test_a_wide_logarithmic_axis_has_three_ticks_at_least(low, factor):
    assert len(log_ticks(low, low * factor)) >= 3
