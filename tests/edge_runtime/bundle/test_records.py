"""What the records of a bundle refuse to say."""

from __future__ import annotations

import pytest

from edge_runtime.bundle import FeatureStatistics, Golden, SiteQuantization

STATISTICS = {
    "size": 8,
    "count": 100,
    "mean_file": "mean.npy",
    "shrinkage": 0.1,
    "whitening_file": "whitening.npy",
}
GOLDEN = {"images_file": "images.npy", "logits_file": "logits.npy", "logit_step": 0.1}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"whitening_file": None}, "whitening_file or a covariance_file"),
        ({"covariance_file": "covariance.npy"}, "whitening_file or a covariance_file"),
        ({"mean_file": "../mean.npy"}, "not allowed"),
        ({"whitening_scale": 0.0}, "whitening_scale .* not positive"),
        ({"whitening_scale": float("nan")}, "whitening_scale .* not positive"),
        ({"size": 0}, "out of range"),
        ({"count": 0}, "out of range"),
        ({"shrinkage": 1.01}, "out of range"),
        ({"threshold": 3.0}, "has a false alarm rate"),
        ({"false_alarm_rate": 0.05}, "has a false alarm rate"),
        ({"threshold": 0.0, "false_alarm_rate": 0.05}, "threshold .* not positive"),
        ({"threshold": 3.0, "false_alarm_rate": 1.0}, "not within 0 to 1"),
    ],
)
def test_statistics_of_features_that_cannot_be_are_refused(changes, reason):
    assert FeatureStatistics(**STATISTICS).files == ("mean.npy", "whitening.npy")
    with pytest.raises(ValueError, match=reason):
        FeatureStatistics(**{**STATISTICS, **changes})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"logits_file": "/logits.npy"}, "not allowed"),
        ({"saliency_files": {"cam": "a/../b.npy"}}, "not allowed"),
        ({"saliency_files": {"guess": "guess.npy"}}, "a mode other than"),
        ({"logit_step": 0.0}, "tolerances"),
        ({"max_steps": -1.0}, "tolerances"),
        ({"min_correlation": 1.1}, "tolerances"),
    ],
)
def test_golden_outputs_that_nothing_could_reach_are_refused(changes, reason):
    assert Golden(**GOLDEN).min_correlation == 0.95
    with pytest.raises(ValueError, match=reason):
        Golden(**{**GOLDEN, **changes})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bits": 1}, "has 1 bits, not 2 to 8"),
        ({"bits": 9}, "has 9 bits, not 2 to 8"),
        ({"alpha": 0.0}, "alpha or scale that is not positive"),
        ({"scale": float("nan")}, "alpha or scale that is not positive"),
    ],
)
def test_a_range_that_no_site_can_have_is_refused(changes, reason):
    site = {"site": "relu", "alpha": 6.0, "bits": 4, "signed": False, "scale": 0.4}
    assert SiteQuantization(**site).bits == 4
    with pytest.raises(ValueError, match=reason):
        SiteQuantization(**{**site, **changes})
