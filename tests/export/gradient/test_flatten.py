"""Flattening hands the gradient on."""

from __future__ import annotations

from tests.export.gradient.autograd import assert_follows_autograd
from tests.networks import Chain, stem


def test_pooled_features_are_flattened():
    assert_follows_autograd(Chain(8, stem()))
