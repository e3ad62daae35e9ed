"""Mahalanobis' distance, block by block."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.assessment.familiarity import FeatureDistance


@pytest.mark.parametrize("size", [1, 63, 64, 65, 200])
def test_the_distance_is_that_of_the_inverse_covariance(size):
    rng = np.random.default_rng(size)
    samples = rng.normal(size=(300, size)) @ rng.normal(size=(size, size))
    covariance = np.cov(samples.T).reshape(size, size) + 0.1 * np.eye(size)
    mean, features = samples.mean(axis=0), rng.normal(size=(5, size))
    centred = features - mean
    squares = np.einsum("nf,fg,ng->n", centred, np.linalg.inv(covariance), centred)
    found = FeatureDistance(mean, covariance)(features)
    np.testing.assert_allclose(found, np.sqrt(squares), rtol=1e-3)


@pytest.mark.parametrize("covariance", [np.zeros((3, 3)), np.eye(2), -np.eye(3)])
def test_a_covariance_that_is_none_is_refused(covariance):
    with pytest.raises(ValueError):
        FeatureDistance(np.zeros(3), covariance)
