"""Calibration figures against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.metrics import brier_scores, log_losses, reliability

LABELS = [0, 1, 0, 1]
SHARES = [[0.9, 0.1], [0.7, 0.3], [0.7, 0.3], [0.4, 0.6]]


def test_bins_hold_confidence_and_accuracy_of_the_top_class() -> None:
    found = reliability(LABELS, SHARES, bins=5)
    assert found.count.tolist() == [0, 0, 1, 2, 1]
    np.testing.assert_allclose(found.confidence[2:], [0.6, 0.7, 0.9])
    np.testing.assert_allclose(found.accuracy[2:], [1.0, 0.5, 1.0])
    assert np.isnan(found.accuracy[:2]).all()
    # (1 x 0.4 + 2 x 0.2 + 1 x 0.1) / 4
    assert found.expected_calibration_error == pytest.approx(0.225)


def test_a_probability_on_an_edge_belongs_to_the_bin_below() -> None:
    assert reliability([0], [[1.0, 0.0]], bins=4).count.tolist() == [0, 0, 0, 1]
    assert reliability([0], [[0.5, 0.5]], bins=4).count.tolist() == [0, 1, 0, 0]


def test_brier_score_is_the_squared_distance_from_the_label() -> None:
    np.testing.assert_allclose(brier_scores(LABELS, SHARES), [0.02, 0.98, 0.18, 0.32])


def test_log_loss_is_finite_for_an_impossible_label() -> None:
    losses = log_losses([0, 1], [[0.5, 0.5], [1.0, 0.0]])
    np.testing.assert_allclose(losses, [np.log(2), -np.log(1e-12)])


@pytest.mark.parametrize(
    ("labels", "shares", "sentence"),
    [
        ([0], [[0.9, 0.9]], "do not sum to 1"),
        ([0, 1], [[0.5, 0.5]], "expected labels"),
        ([], np.zeros((0, 2)), "expected labels"),
    ],
)
def test_what_are_no_probabilities_is_refused(labels, shares, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        reliability(labels, shares)
