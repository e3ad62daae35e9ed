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
    # Whatever the second half begins with.
    assert steady_from([2.0] * 110 + [1.0] * 90) == 100
    # Windows of two frames, of which the last would reach beyond the half.
    assert steady_from([2.0] * 25 + [1.0] * 25) == 25


def test_few_frames_are_looked_at_one_by_one():
    assert steady_from([7.0]) == 0
    assert steady_from([3.0, 1.0, 1.0, 1.0]) == 1
    assert steady_from([3.0, 3.0, 1.0, 1.0, 1.0]) == 2


def test_five_per_cent_above_the_level_is_steady():
    assert steady_from([1.05] * 10 + [1.0] * 30) == 0
    assert steady_from([1.051] * 10 + [1.0] * 30) == 10


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
    # Quartiles 5.025 and 7.0 around 6.05.
    assert findings_of_rounds(rounds, 20) == [
        "its processes disagree: half of their medians lie 33% apart; end other work on the "
        "machine, or give more --rounds."
    ]


def test_processes_a_tenth_apart_agree(make_round):
    # Quartiles 9.5 and 10.5 around 10, then 9.49 and 10.5.
    levels = [9.0, 9.5, 10.0, 10.5, 11.0]
    for lower, told in ((9.5, False), (9.49, True)):
        rounds = [make_round(level) for level in (9.0, lower, *levels[2:])]
        assert ("disagree" in words(findings_of_rounds(rounds, 20))) == told


@pytest.mark.parametrize(("step", "word"), [(0.03, "5% slower"), (-0.03, "6% faster")])
def test_a_trend_over_the_processes_is_told(make_round, step, word):
    rounds = [make_round(*[5.0 + step * index] * 20) for index in range(10)]
    assert word in words(findings_of_rounds(rounds, 20))


def with_inversions(count, inversions):
    """Ranks in rising order but for so many pairs."""
    ranks, order = list(range(count)), []
    for left in range(count, 0, -1):
        taken = min(inversions, left - 1)
        order.append(ranks.pop(taken))
        inversions -= taken
    return order


@pytest.mark.parametrize(
    ("count", "inversions", "told"),
    [
        # Pairs in order less pairs that are not, and one less, against 2.576 deviations of
        # sqrt(n (n - 1) (2 n + 5) / 18): 15 - 1 against 13.7, then 13 - 1.
        (6, 0, True),
        (6, 1, False),
        # 82 - 1 against 79.4, then 80 - 1.
        (20, 54, True),
        (20, 55, False),
        # 10 - 1 against 10.5: five never suffice.
        (5, 0, False),
    ],
)
def test_a_trend_is_told_where_the_order_is_beyond_chance(make_round, count, inversions, told):
    rounds = [
        make_round(5 + 0.01 * rank * 20 / count) for rank in with_inversions(count, inversions)
    ]
    assert ("from the first processes to the last" in words(findings_of_rounds(rounds, 20))) == told


def test_few_processes_are_told(make_round):
    assert findings_of_rounds([make_round(5.0)] * 2, 20) == [
        "2 processes are too few to tell chance from change; give --rounds 6 or more."
    ]
    assert findings_of_rounds([make_round(5.0)] * 6, 20) == []


@pytest.mark.parametrize(
    ("load", "told"),
    [(0.9, False), (1.0, False), (1.01, True), (2, True), ({"absent": "no loadavg"}, False)],
)
def test_a_busy_machine_is_told(load, told):
    found = findings_of_machine({"load_average": load, "processors_usable": 2})
    assert ("busy" in words(found)) == told


@pytest.mark.parametrize("machine", [{}, {"load_average": 9.0}, {"processors_usable": 2}])
def test_a_machine_that_does_not_tell_its_load_is_not_called_busy(machine):
    assert findings_of_machine(machine) == []
