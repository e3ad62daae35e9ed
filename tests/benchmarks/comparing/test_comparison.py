"""Ratios with their intervals and verdicts, on samples that were made."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks.absent import Absent
from benchmarks.comparing.comparison import Comparison, compare_rounds, holm, with_verdicts

p_values = st.lists(st.floats(0, 1), max_size=12)


def made_rounds(seed, count=8, level=5e6, between=0.02, within=0.05, frames=60):
    """Processes that differ by a share of their level, and frames that differ within each."""
    random = np.random.default_rng(seed)
    levels = level * np.exp(between * random.standard_normal(count))
    return [mean * np.exp(within * random.standard_normal(frames)) for mean in levels]


def verdicts(base, *others):
    return [c.verdict for c in with_verdicts([compare_rounds(base, other) for other in others])]


def test_holm_on_an_example_worked_out_by_hand():
    # Times 4, 3, 2, 1 in order of size, and never less than the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()


@given(p_values)
def test_an_adjusted_p_value_is_no_smaller_and_keeps_the_order(values):
    adjusted = holm(values)
    assert all(value <= after <= 1 for value, after in zip(values, adjusted, strict=True))
    order = np.argsort(values, kind="stable")
    assert list(np.array(adjusted)[order]) == sorted(adjusted)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0.5, 2))
def test_the_ratio_is_that_of_the_medians_and_lies_in_its_interval(seed, factor):
    base = made_rounds(seed)
    found = compare_rounds(base, [factor * item for item in base])
    assert found.ratio == pytest.approx(factor)
    assert found.low < factor < found.high


def test_the_unit_does_not_matter():
    base, new = made_rounds(1), made_rounds(2)
    other = compare_rounds([item / 1e6 for item in base], [item / 1e6 for item in new])
    found = compare_rounds(base, new)
    assert (other.ratio, other.low, other.p_value) == pytest.approx(
        (found.ratio, found.low, found.p_value)
    )


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1.1, "slower"), (1 / 1.1, "faster"), (1.02, "no evidence"), (1.0, "no evidence")],
)
def test_a_change_of_ten_per_cent_is_found_and_one_of_two_is_nobodys_business(factor, verdict):
    base = made_rounds(3, between=0.001)
    assert verdicts(base, [factor * item for item in base]) == [verdict]


def test_what_is_evidence_alone_may_be_none_among_many():
    base = made_rounds(4, between=0.03)
    new = [1.05 * item for item in made_rounds(5, between=0.03)]
    alone = compare_rounds(base, new)
    assert 0.005 < alone.p_value < 0.05
    assert verdicts(base, new) == ["slower"]
    assert verdicts(base, new, *[base] * 11)[0] == "no evidence"


def test_a_low_percentile_is_blind_to_what_other_work_adds():
    quiet = made_rounds(9, between=0.001, frames=100)
    busy = [np.where(np.arange(100) % 10 < 7, 4 * item, item) for item in quiet]
    assert compare_rounds(quiet, busy).ratio > 3
    assert compare_rounds(quiet, busy, 10).ratio == pytest.approx(1, abs=0.05)
    slower = [1.1 * item for item in busy]
    (found,) = with_verdicts([compare_rounds(busy, slower, 10)])
    assert found.verdict == "slower"


def test_few_processes_get_a_ratio_and_no_verdict():
    base = made_rounds(6, count=5)
    (found,) = with_verdicts([compare_rounds(base, [2 * item for item in base])])
    assert found.ratio == pytest.approx(2)
    assert found.verdict == "no evidence"
    assert found.p_value == Absent("a verdict needs 6 rounds of each, there are 5")
    assert found.low == found.high == found.p_value
    assert found.replicates.size == 0
    assert found.to_json()["low"] == {"absent": "a verdict needs 6 rounds of each, there are 5"}


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    covered = 0
    for seed in range(60):
        found = compare_rounds(made_rounds(2 * seed, count=6), made_rounds(2 * seed + 1, count=6))
        covered += found.low <= 1 <= found.high
    # 95 % of 60, less five standard deviations of the count.
    assert covered >= 48


@pytest.mark.parametrize("percentile", [10, 50])
def test_the_bootstrap_of_a_percentile_is_that_of_frames_drawn_one_by_one(percentile):
    samples = made_rounds(7, count=1, within=0.3)[0]
    rounds = [samples] * 6
    found = compare_rounds(rounds, rounds, percentile)
    random = np.random.default_rng(0)
    drawn = np.percentile(random.choice(samples, (4000, 12, len(samples))), percentile, axis=2)
    by_hand = np.log(drawn[:, :6]).mean(axis=1) - np.log(drawn[:, 6:]).mean(axis=1)
    # Both have the same spread but for the factor that widens the interval.
    factor = math.sqrt(6 / 5) * 2.5706 / 1.959964
    assert found.replicates.std() == pytest.approx(factor * by_hand.std(), rel=0.06)


def test_the_greatest_of_two_frames_drawn_is_the_slower_one_in_three_of_four_draws():
    found = compare_rounds([[1.0]] * 6, [[1.0, math.e]] * 6, percentile=100)
    factor = math.sqrt(6 / 5) * 2.5706 / 1.959964
    assert found.ratio == pytest.approx(math.e)
    assert found.replicates.mean() == pytest.approx(1 + factor * (0.75 - 1), abs=0.01)


def test_the_median_is_compared_where_no_percentile_is_given():
    assert compare_rounds([[1.0]], [[1.0, 3.0]]).ratio == pytest.approx(2)


@pytest.mark.parametrize("rounds", [[], [[]], [[1.0, 0.0]]])
def test_what_holds_no_latency_cannot_be_compared(rounds):
    with pytest.raises(ValueError, match="round"):
        compare_rounds(rounds, made_rounds(8))


def resampled(*ratios):
    """A comparison of which only the resamples matter."""
    return Comparison(1.0, 1.0, 1.0, 1.0, np.array([math.log(ratio) for ratio in ratios]))


def test_a_one_sided_p_value_counts_the_resamples_on_the_other_side_and_itself():
    found = resampled(1.0, 1.1, 1.2, 1.3)
    # A resample at the limit itself speaks against both.
    assert found.p_above(1.1) == (2 + 1) / (4 + 1)
    assert found.p_below(1.1) == (3 + 1) / (4 + 1)


def test_the_least_p_value_is_two_in_ten_thousand_and_the_largest_one():
    base = made_rounds(10, between=0.001)
    assert compare_rounds(base, [2 * item for item in base]).p_value == 2 / 10_001
    assert compare_rounds(base, [item / 2 for item in base]).p_value == 2 / 10_001
    assert compare_rounds(base, base).p_value > 0.9
    constant = [[5.0]] * 6
    assert compare_rounds(constant, constant).p_value == 1


def test_the_interval_leaves_out_a_fortieth_of_the_resamples_at_each_end():
    found = compare_rounds(made_rounds(11), made_rounds(12))
    assert (found.replicates < math.log(found.low)).mean() == pytest.approx(0.025, abs=1e-4)
    assert (found.replicates > math.log(found.high)).mean() == pytest.approx(0.025, abs=1e-4)


@pytest.mark.parametrize(
    # Up to ten degrees of freedom from a table, beyond by a series that gets better.
    ("base", "new", "error"),
    [(6, 6, 5e-5), (11, 20, 5e-5), (12, 12, 1e-3), (40, 30, 1e-4)],
)
def test_an_interval_is_as_much_wider_as_students_distribution_asks_for(base, new, error):
    """Of the smaller set. One process of ``new`` is e times slower: resamples count its draws."""
    found = compare_rounds([[1.0]] * base, [[math.e]] + [[1.0]] * (new - 1))
    draw = np.diff(np.unique(found.replicates.round(9))).min() * new
    fewest = min(base, new)
    student = stats.t.ppf(0.975, fewest - 1)
    expected = math.sqrt(fewest / (fewest - 1)) * student / stats.norm.ppf(0.975)
    assert draw == pytest.approx(expected, rel=error)
    assert found.ratio == pytest.approx(math.exp(1 / new))


def test_the_same_seed_gives_the_same_interval():
    base, new = made_rounds(13), made_rounds(14)
    first, again, other = (compare_rounds(base, new, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first.replicates, again.replicates)
    assert not np.array_equal(first.replicates, other.replicates)
    assert np.array_equal(
        compare_rounds(base, new).replicates, compare_rounds(base, new, seed=0).replicates
    )


@pytest.mark.parametrize(
    ("ratio", "p_value", "verdict"),
    [
        (1.03, 0.01, "slower"),
        (1.029, 0.01, "no evidence"),
        (1 / 1.03, 0.01, "faster"),
        (1 / 1.029, 0.01, "no evidence"),
        (2.0, 0.05, "no evidence"),
    ],
)
def test_a_verdict_needs_three_per_cent_and_less_than_five_in_a_hundred(ratio, p_value, verdict):
    (found,) = with_verdicts([Comparison(ratio, ratio, ratio, p_value, np.zeros(0))])
    assert (found.verdict, found.adjusted) == (verdict, p_value)


def test_one_without_a_p_value_takes_no_part_in_the_adjustment():
    few = Absent("too few")
    unknown = Comparison(2.0, few, few, few, np.zeros(0))
    known = Comparison(2.0, 2.0, 2.0, 0.03, np.zeros(0))
    found = with_verdicts([unknown, known, unknown])
    assert [one.adjusted for one in found] == [few, 0.03, few]
    assert [one.verdict for one in found] == ["no evidence", "slower", "no evidence"]
    assert found[1].to_json() == {
        "ratio": 2.0,
        "low": 2.0,
        "high": 2.0,
        "p_value": 0.03,
        "p_adjusted": 0.03,
        "verdict": "slower",
    }
