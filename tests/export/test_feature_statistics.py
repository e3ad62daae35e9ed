from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

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
