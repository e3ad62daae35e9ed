"""Ratios with their intervals and verdicts, on samples that were made."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.absent import Absent
from benchmarks.comparing.comparison import compare_rounds, holm, with_verdicts

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


@settings(deadline=None, max_examples=20)
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


@pytest.mark.parametrize("rounds", [[], [[]], [[1.0, 0.0]]])
def test_what_holds_no_latency_cannot_be_compared(rounds):
    with pytest.raises(ValueError, match="round"):
        compare_rounds(rounds, made_rounds(8))
