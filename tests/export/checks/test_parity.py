from __future__ import annotations

import numpy as np
import pytest

from export.checks.parity import compare_logits, compare_maps, top_agreement

REFERENCE = np.array([[0.5, 0.25, 0.0], [0.0, 1.0, 0.75]], np.float32)


def test_equal_logits_are_no_step_apart():
    parity = compare_logits(REFERENCE, REFERENCE, step=0.25)
    assert (parity.histogram, parity.largest_steps) == ({0: 6}, 0)
    assert (parity.top_agreement, parity.largest_probability) == (1.0, 0.0)


def test_differences_are_counted_in_signed_steps():
    found = REFERENCE + np.array([[0.25, 0, 0], [0, 0, -0.5]], np.float32)
    parity = compare_logits(found, REFERENCE, step=0.25)
    assert parity.histogram == {-2: 1, 0: 4, 1: 1}
    assert parity.largest_steps == 2
    assert parity.share_off == pytest.approx(1 / 6)


def test_another_top_class_lowers_the_agreement():
    found = REFERENCE[:, [1, 0, 2]]
    parity = compare_logits(found, REFERENCE, step=0.25)
    # The first image's two classes are one step apart.
    assert (parity.top_agreement, parity.same_top) == (0.5, 0.0)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_no_number_is_beyond_every_tolerance(broken):
    found = REFERENCE.copy()
    found[1, 1] = broken
    parity = compare_logits(found, REFERENCE, step=0.25)
    assert parity.largest_steps > 1e6
    assert 0 < parity.largest_probability <= 1


def test_two_equal_constant_maps_agree_and_are_counted():
    maps = np.zeros((2, 3, 3), np.float32)
    parity = compare_maps(maps, maps)
    assert (parity.median_spearman, parity.constant) == (1.0, 2)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_dead_or_broken_map_does_not_agree_with_a_live_one(value):
    live = np.arange(9, dtype=np.float32).reshape(1, 3, 3)
    assert compare_maps(np.full_like(live, value), live).median_spearman == 0.0


def test_classes_within_the_tolerance_count_as_the_same():
    expected = np.array([[1.0, 0.75, 0.0]], np.float32)
    found = np.array([[0.75, 1.0, 0.0]], np.float32)
    assert top_agreement(found, expected) == 0.0
    assert top_agreement(found, expected, tolerance=0.25) == 1.0
    assert top_agreement(expected[:, ::-1], expected, tolerance=0.25) == 0.0
