from __future__ import annotations

import math

import pytest
import torch

from train.loop.adaptive_threshold import AdaptiveThreshold


@pytest.mark.parametrize(
    ("divergence", "exponent"), [(0.0, 1.0), (0.05, 0.5), (0.1, 0.0), (0.15, -0.5), (9.0, -1.0)]
)
def test_the_threshold_rises_below_the_target_and_falls_above(
    divergence: float, exponent: float
) -> None:
    threshold = AdaptiveThreshold(epsilon=0.5, target=0.1)
    threshold.update(divergence)
    assert threshold.epsilon == pytest.approx(0.5 * math.exp(0.05 * exponent))


@pytest.mark.parametrize(("divergence", "end"), [(0.0, 4.0), (1.0, 0.01)])
def test_the_threshold_stays_within_its_bounds(divergence: float, end: float) -> None:
    threshold = AdaptiveThreshold(epsilon=0.5, target=0.1)
    for _ in range(200):
        threshold.update(divergence)
    assert threshold.epsilon == pytest.approx(end)


def test_the_state_goes_on_to_the_last_bit() -> None:
    first, second = (AdaptiveThreshold(epsilon, 0.1) for epsilon in (0.5, 3.0))
    first.update(0.03)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first.value, second.value)
    assert first.value.dtype == torch.float64
