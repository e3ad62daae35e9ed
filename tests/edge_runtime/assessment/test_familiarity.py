"""Mahalanobis' distance by the inverse of Cholesky's factor, block by block."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.assessment.familiarity import FeatureDistance, open_feature_distance, whitening_of
from edge_runtime.bundle import open_bundle
from tests.edge_runtime import tiny_graphs


@pytest.mark.parametrize("size", [1, 63, 64, 65, 200])
def test_the_distance_is_that_of_the_inverse_covariance(size):
    rng = np.random.default_rng(size)
    samples = rng.normal(size=(300, size)) @ rng.normal(size=(size, size))
    covariance = np.cov(samples.T).reshape(size, size) + 0.1 * np.eye(size)
    mean, features = samples.mean(axis=0), rng.normal(size=(5, size))
    centred = features - mean
    squares = np.einsum("nf,fg,ng->n", centred, np.linalg.inv(covariance), centred)
    found = FeatureDistance(mean, whitening_of(covariance))(features)
    np.testing.assert_allclose(found, np.sqrt(squares), rtol=1e-3)


@pytest.mark.parametrize("covariance", [np.zeros((3, 3)), np.eye(2), -np.eye(3)])
def test_a_covariance_that_is_none_is_refused(covariance):
    with pytest.raises(ValueError):
        FeatureDistance(np.zeros(3), whitening_of(covariance))


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": np.zeros(2)},
        {"mean": np.array([0, np.nan, 0])},
        {"whitening": np.ones(5)},
        {"whitening": np.array([1, 0, 1, 0, 0, np.inf])},
        {"whitening": np.array([1, 0, 0, 0, 0, 1])},
        {"scale": 0.0},
    ],
    ids=str,
)
def test_a_factor_that_is_none_is_refused(changes):
    whitening = np.array([1.0, 0, 1, 0, 0, 1])
    with pytest.raises(ValueError):
        FeatureDistance(**{"mean": np.zeros(3), "whitening": whitening, **changes})


def test_a_bundle_with_the_covariance_itself_gives_the_same_distance(tmp_path):
    """As bundles before schema 1.6 have it."""
    distances = []
    for name, features in (("new", tiny_graphs.FEATURES), ("old", tiny_graphs.OLD_FEATURES)):
        tiny_graphs.write_bundle(tmp_path / f"{name}.edge", features=features)
        measure = open_feature_distance(open_bundle(tmp_path / f"{name}.edge"))
        distances.append(measure(np.eye(3)))
    np.testing.assert_allclose(*distances, rtol=1e-3)
