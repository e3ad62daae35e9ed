from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from edge_runtime.assessment.familiarity import FeatureDistance
from export.feature_statistics import feature_moments, shrunk_covariance


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
    assert np.linalg.eigvalsh(moments.covariance.astype(np.float64)).min() > 0
    assert (moments.count, moments.mean.dtype) == (20, np.float32)
    assert moments.mean[0] == pytest.approx(9.5)


def test_features_without_any_variance_still_have_that_of_their_rounding():
    moments = feature_moments(np.ones((4, 3), np.float32), step=0.6)
    np.testing.assert_allclose(moments.covariance, np.eye(3) * 0.6**2 / 12, rtol=1e-6)


def test_new_images_of_the_kind_are_seldom_beyond_the_threshold():
    rng = np.random.default_rng(7)
    mixing = rng.normal(size=(40, 40))
    moments = feature_moments((rng.normal(size=(400, 40)) @ mixing).astype(np.float32), 0.01)
    measure = FeatureDistance(moments.mean, moments.covariance)
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
