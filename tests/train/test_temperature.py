"""The temperature makes overconfident probabilities honest."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.classifier import softmax
from edge_runtime.metrics import log_losses, reliability
from train.temperature import fit_temperature


def overconfident(factor, count=4000):
    """Logits whose labels are drawn from their own probabilities, then multiplied."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 1.5, (count, 3))
    shares = softmax(logits.astype(np.float32), 1.0)
    labels = (random.random((count, 1)) > np.cumsum(shares, axis=1)).sum(axis=1)
    return (logits * factor).astype(np.float32), labels.astype(np.int64)


@pytest.mark.parametrize("factor", [0.5, 1.0, 4.0])
def test_a_known_factor_is_found(factor):
    logits, labels = overconfident(factor)
    assert fit_temperature(logits, labels) == pytest.approx(factor, rel=0.08)


def test_it_is_the_minimum_of_the_cross_entropy():
    logits, labels = overconfident(3.0, count=200)
    found = fit_temperature(logits, labels)
    losses = [
        log_losses(labels, softmax(logits, t)).mean() for t in (found * 0.97, found, found * 1.03)
    ]
    assert losses[1] == min(losses)


def test_calibration_lowers_the_error_and_keeps_the_order():
    logits, labels = overconfident(4.0)
    before, after = softmax(logits, 1.0), softmax(logits, fit_temperature(logits, labels))
    errors = [reliability(labels, shares).expected_calibration_error for shares in (before, after)]
    assert errors[0] > 0.1
    assert errors[1] < 0.03
    assert np.array_equal(before.argmax(axis=1), after.argmax(axis=1))


def test_a_set_without_an_error_teaches_nothing():
    logits = np.array([[9.0, 0.0], [0.0, 0.1]], np.float32)
    assert fit_temperature(logits, np.array([0, 1])) == 1.0


def test_scores_that_are_always_wrong_stay_within_bounds():
    assert fit_temperature(np.array([[5.0, 0.0]], np.float32), np.array([1])) == pytest.approx(20)
