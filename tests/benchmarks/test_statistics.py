"""Percentiles and intervals against numbers worked out by hand."""

from __future__ import annotations

from itertools import product

import pytest

from benchmarks.absent import Absent
from benchmarks.statistics import median_interval, paired_ratios, percentiles

MS = 1_000_000


def test_percentiles_lie_between_samples_by_linear_interpolation():
    figures = percentiles([value * MS for value in range(1, 12)])  # 1 .. 11 ms
    assert figures["p50"] == pytest.approx(6.0)  # sample 5 of 0..10
    assert figures["p90"] == pytest.approx(10.0)  # sample 9 of 0..10
    assert figures["max"] == pytest.approx(11.0)
    assert percentiles([1 * MS, 2 * MS])["p50"] == pytest.approx(1.5)


def test_the_order_of_samples_does_not_matter():
    samples = [value * MS for value in (5, 1, 4, 2, 3, 9, 8, 7, 6, 10)]
    assert percentiles(samples) == percentiles(sorted(samples))


@pytest.mark.parametrize(("count", "present"), [(999, False), (1000, True)])
def test_p99_needs_a_thousand_samples(count, present):
    p99 = percentiles(range(1, count + 1))["p99"]
    assert isinstance(p99, float) is present
    if not present:
        assert p99 == Absent("p99 needs 1000 samples, there are 999")


def test_p99_of_a_thousand_samples():
    # Sample 0.99 * 999 = 989.01 of 0..999, whose values are 1 .. 1000 ms.
    p99 = percentiles([value * MS for value in range(1, 1001)])["p99"]
    assert p99 == pytest.approx(990.01)


def test_p90_needs_ten_samples():
    assert isinstance(percentiles([MS] * 9)["p90"], Absent)
    assert percentiles([MS] * 10)["p90"] == pytest.approx(1.0)


def test_no_samples_have_no_percentiles():
    with pytest.raises(ValueError, match="expected samples"):
        percentiles([])


def test_ratios_are_paired_round_by_round():
    # The second round ran on a machine half as fast; the ratio does not see it.
    assert paired_ratios([2.0, 4.0], [4.0, 8.0]) == (0.5, 0.5)
    with pytest.raises(ValueError, match="cannot be paired"):
        paired_ratios([1.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("count", "low", "high", "confidence"),
    [
        (2, 1, 2, 1 - 2 / 4),
        (5, 1, 5, 1 - 2 / 32),
        (6, 1, 6, 1 - 2 / 64),
        (8, 1, 8, 1 - 2 / 256),  # leaving out one at each end: 1 - 2 * 9 / 256 = 93 %
        (9, 2, 8, 1 - 2 * 10 / 512),
        (12, 3, 10, 1 - 2 * (1 + 12 + 66) / 4096),
    ],
)
def test_the_interval_of_a_median_is_that_of_the_sign_test(count, low, high, confidence):
    interval = median_interval([float(value) for value in range(count, 0, -1)])
    assert (interval.low, interval.high) == (low, high)
    assert interval.confidence == pytest.approx(confidence)
    assert interval.median == (count + 1) / 2


def test_the_confidence_is_the_share_of_all_outcomes_in_which_the_interval_covers():
    # Each of n rounds lies below or above the true median with probability 1/2. With n = 6 and the
    # whole range, the interval misses only if all rounds lie on one side.
    outcomes = list(product((False, True), repeat=6))
    covered = sum(0 < sum(above) < 6 for above in outcomes) / len(outcomes)
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).confidence == covered


def test_the_report_names_every_part_of_an_interval():
    assert median_interval([3.0, 1.0, 2.0]).to_json() == {
        "median": 2.0,
        "low": 1.0,
        "high": 3.0,
        "confidence": 0.75,
        "rounds": [3.0, 1.0, 2.0],
    }


def test_one_round_has_a_median_and_no_interval():
    interval = median_interval([0.5])
    assert interval.median == 0.5
    assert interval.low == interval.high == Absent("an interval needs two rounds, there is one")
    assert interval.confidence == 0.0
    assert interval.to_json()["low"] == {"absent": "an interval needs two rounds, there is one"}


def test_no_round_has_no_median():
    with pytest.raises(ValueError, match="at least one round"):
        median_interval([])
