"""Intervals resample groups, are repeatable, and cover what they should."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge_runtime.metrics import (
    Interval,
    bootstrap_intervals,
    bootstrap_mean,
    bootstrap_median,
    bootstrap_ratio,
)

CLASSES = ["normal", "polyp"]


def _evaluation(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    score = np.clip(0.3 + 0.4 * labels + rng.normal(0, 0.25, count), 0.0, 1.0)
    return labels, np.stack([1 - score, score], axis=1)


def test_intervals_hold_the_figure_and_come_out_the_same_again() -> None:
    labels, scores = _evaluation(120, 0)
    groups = list(range(120))
    first = bootstrap_intervals(labels, scores, groups, CLASSES, replicates=300)
    assert first == bootstrap_intervals(labels, scores, groups, CLASSES, replicates=300)
    assert first != bootstrap_intervals(labels, scores, groups, CLASSES, replicates=300, seed=1)
    for name, interval in first.items():
        assert interval.low <= interval.value <= interval.high, name
        assert interval.low < interval.high, name


def test_copies_in_one_group_do_not_narrow_the_interval() -> None:
    labels, scores = _evaluation(60, 1)
    alone = bootstrap_intervals(labels, scores, list(range(60)), CLASSES, replicates=400)
    fivefold = bootstrap_intervals(
        labels.repeat(5),
        scores.repeat(5, axis=0),
        np.arange(60).repeat(5).tolist(),
        CLASSES,
        replicates=400,
    )
    assert fivefold["accuracy"] == alone["accuracy"]
    leaking = bootstrap_intervals(
        labels.repeat(5), scores.repeat(5, axis=0), list(range(300)), CLASSES, replicates=400
    )
    width = alone["accuracy"].high - alone["accuracy"].low
    assert leaking["accuracy"].high - leaking["accuracy"].low < 0.6 * width


def test_the_interval_covers_the_true_accuracy_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for trial in range(100):
        right = rng.random(80) < 0.8
        interval = bootstrap_mean(right, list(range(80)), replicates=200, seed=trial)
        covered += interval.low <= 0.8 <= interval.high
    assert 86 <= covered <= 100


def test_a_figure_that_is_not_defined_stays_undefined() -> None:
    scores = np.array([[0.8, 0.2], [0.6, 0.4]])
    result = bootstrap_intervals([0, 0], scores, ["a", "b"], CLASSES, replicates=20)
    assert math.isnan(result["sensitivity/polyp"].value)
    assert result["sensitivity/polyp"].to_json() == {"value": None, "low": None, "high": None}


def test_mean_leaves_out_what_is_not_defined() -> None:
    interval = bootstrap_mean([1.0, math.nan, 0.0], ["a", "b", "c"], replicates=50)
    assert interval.value == 0.5
    assert (interval.low, interval.high) == (0.0, 1.0)


def test_a_ratio_is_that_of_the_means_over_images_that_have_both() -> None:
    interval = bootstrap_ratio(
        [2.0, math.nan, 4.0], [1.0, 50.0, 2.0], ["a", "b", "c"], replicates=50
    )
    assert interval == Interval(2.0, 2.0, 2.0)
    assert math.isnan(bootstrap_ratio([1.0], [0.0], ["a"], replicates=5).value)


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_a_median_is_numpys_and_so_is_its_interval(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    found = bootstrap_median(np.append(values, math.nan), list(range(count + 1)), replicates=200)
    assert found.value == pytest.approx(np.median(values))
    draws = np.random.default_rng(0)
    medians = []
    for _ in range(200):
        drawn = draws.integers(0, count + 1, count + 1)
        kept = values[drawn[drawn < count]]
        medians += [np.median(kept)] if len(kept) else []
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(medians, [2.5, 97.5])))


def test_interval_reads_as_text() -> None:
    assert str(Interval(0.95, 0.9, 0.98)) == "0.9500 (0.9000 to 0.9800)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": ["a"]}, "expected 2 groups"),
        ({"replicates": 0}, "at least 1"),
        ({"confidence": 1.0}, "between 0 and 1"),
    ],
)
def test_arguments_out_of_range_are_refused(changes: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"values": [0.0, 1.0], "groups": ["a", "b"], "replicates": 5}
    with pytest.raises(ValueError, match=message):
        bootstrap_mean(**(arguments | changes))  # type: ignore[arg-type]
