"""What is said of figures that cannot be relied on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.stability import findings_of_machine, findings_of_rounds, steady_from


def words(findings):
    return " ".join(findings)


@given(st.integers(0, 40), st.floats(1.06, 10))
def test_leading_slow_frames_are_counted_by_windows(slow, factor):
    found = steady_from([factor] * slow + [1.0] * (200 - slow))
    # A window of ten is slow if more than half of it is.
    assert abs(found - slow) <= 5


def test_a_slow_moment_later_is_no_warming_up():
    assert steady_from([1.0] * 50 + [3.0] * 30 + [1.0] * 120) == 0


def test_a_process_that_never_settles_is_unsteady_for_its_first_half():
    assert steady_from([2.0] * 100 + [1.0] * 100) == 100


def test_even_processes_are_stable(make_round):
    assert (
        findings_of_rounds([make_round(*[5.0 + 0.01 * i] * 40) for i in (0, 1, -1) * 3], 20) == []
    )


def test_frames_that_warm_up_are_told_with_the_option_to_give(make_round):
    rounds = [make_round(*[9.0] * 10, *[5.0] * 90) for _ in range(6)]
    assert "the first 10 timed frames" in words(findings_of_rounds(rounds, 20))
    assert "--warmup 40" in words(findings_of_rounds(rounds, 20))


def test_processes_that_disagree_are_told(make_round):
    rounds = [make_round(*[level] * 20) for level in (5.0, 7.0, 5.1, 7.1, 4.9, 7.0)]
    assert "disagree" in words(findings_of_rounds(rounds, 20))


@pytest.mark.parametrize(("step", "word"), [(0.03, "5% slower"), (-0.03, "6% faster")])
def test_a_trend_over_the_processes_is_told(make_round, step, word):
    rounds = [make_round(*[5.0 + step * index] * 20) for index in range(10)]
    assert word in words(findings_of_rounds(rounds, 20))


def test_few_processes_are_told(make_round):
    assert "2 processes are too few" in words(findings_of_rounds([make_round(5.0)] * 2, 20))


@pytest.mark.parametrize(
    ("load", "told"), [(0.9, False), (1.5, True), ({"absent": "no loadavg"}, False)]
)
def test_a_busy_machine_is_told(load, told):
    found = findings_of_machine({"load_average": load, "processors_usable": 2})
    assert ("busy" in words(found)) == told
