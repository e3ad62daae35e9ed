from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from edge_runtime.assessment.familiarity import FeatureDistance, whitening_of
from export.feature_statistics import feature_moments, shrunk_covariance


def _measure(moments):
    return FeatureDistance(moments.mean, moments.whitening, moments.whitening_scale)


@pytest.mark.parametrize("shape", [(200, 12), (30, 64)])
def test_the_covariance_is_ledoit_and_wolfs(shape):
    rng = np.random.default_rng(1)
    samples = rng.normal(size=shape) @ rng.normal(size=(shape[1], shape[1]))
    expected = LedoitWolf().fit(samples)
    covariance, shrinkage = shrunk_covariance(samples)
    assert shrinkage == pytest.approx(expected.shrinkage_)
    np.testing.assert_allclose(covariance, expected.covariance_, rtol=1e-9, atol=1e-12)


def test_features_that_never_move_leave_an_invertible_covariance():
    features = np.zeros((20, 6), np.float32)
    features[:, 0] = np.arange(20)
    moments = feature_moments(features, step=0.1)
    assert np.isfinite(_measure(moments)(features)).all()
    assert (moments.count, moments.mean.dtype) == (20, np.float32)
    assert moments.mean[0] == pytest.approx(9.5)


def test_features_without_any_variance_still_have_that_of_their_rounding():
    moments = feature_moments(np.ones((4, 3), np.float32), step=0.6)
    found = _measure(moments)(1 + np.eye(3, dtype=np.float32))
    np.testing.assert_allclose(found, np.sqrt(12) / 0.6, rtol=1e-3)


def test_half_precision_of_the_factor_moves_a_distance_by_a_thousandth_at_most():
    rng = np.random.default_rng(3)
    spread = np.exp(rng.uniform(-6, 3, size=150))  # as pooled features have it
    features = (rng.normal(size=(90, 30)) @ rng.normal(size=(30, 150)) * spread).astype(np.float32)
    moments = feature_moments(features, step=0.02)
    covariance, _ = shrunk_covariance(features.astype(np.float64))
    covariance.flat[:: len(covariance) + 1] += 0.02**2 / 12
    exact = FeatureDistance(features.mean(axis=0, dtype=np.float64), whitening_of(covariance))
    np.testing.assert_allclose(_measure(moments)(features), exact(features), rtol=1e-3)


def test_new_images_of_the_kind_are_seldom_beyond_the_threshold():
    rng = np.random.default_rng(7)
    mixing = rng.normal(size=(40, 40))
    moments = feature_moments((rng.normal(size=(400, 40)) @ mixing).astype(np.float32), 0.01)
    measure = _measure(moments)
    beyond = measure(rng.normal(size=(4000, 40)) @ mixing) > moments.threshold
    # The rate itself varies with the 400 images: Beta(4, 397) has 99.9 % of its mass below 0.033.
    assert moments.false_alarm_rate == 0.01
    assert beyond.mean() < 0.033
    assert (measure(10 + rng.normal(size=(50, 40)) @ mixing) > moments.threshold).mean() > 0.5


def test_too_few_images_state_the_rate_they_can_tell():
    features = np.random.default_rng(0).normal(size=(19, 3)).astype(np.float32)
    moments = feature_moments(features, step=0.1)
    assert moments.false_alarm_rate == pytest.approx(1 / 20)
    assert moments.threshold > 0
