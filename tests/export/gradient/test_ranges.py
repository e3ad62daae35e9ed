"""How gradients are stored in 8 bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from export.gradient.ranges import (
    GRADIENT_LEVELS,
    best_scale,
    channel_factors,
    factor_table,
    spread_of_images,
)

ONES = np.ones(1, np.float32)


def _heavy_tailed(places=4096):
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(1, places, generator=generator, dtype=torch.float64)
    return values * torch.exp(2 * torch.randn(1, places, generator=generator, dtype=torch.float64))


def test_factors_follow_the_size_of_the_channels():
    by_channel = torch.tensor([[4.0, -4.0], [2.0, 2.0], [0.0, 0.0]], dtype=torch.float64)
    factors = channel_factors(by_channel)
    assert factors[0] == 1.0
    # Mean squares 16, 4 and 0; each gets 0.3 times their mean, 2.
    assert factors[1:] == pytest.approx([np.sqrt(6 / 18), np.sqrt(2 / 18)])


def test_a_silent_gradient_has_factors_and_a_scale():
    silent = torch.zeros(3, 8, dtype=torch.float64)
    assert channel_factors(silent).tolist() == [1.0, 1.0, 1.0]
    assert best_scale(silent, np.ones(3, np.float32)) == 1.0


def test_a_uniform_gradient_is_not_clipped():
    uniform = torch.linspace(-3.0, 3.0, 2001, dtype=torch.float64)[None]
    # No value above half a step beyond the range.
    assert best_scale(uniform, ONES) * (GRADIENT_LEVELS + 0.5) >= 3.0


def test_the_step_spares_small_values_of_a_heavy_tail():
    values = _heavy_tailed()
    assert best_scale(values, ONES) * GRADIENT_LEVELS < 0.8 * float(values.abs().max())


def test_the_step_scales_with_the_gradient():
    values = _heavy_tailed()
    assert best_scale(values * 1e-6, ONES) == pytest.approx(best_scale(values, ONES) * 1e-6)


def test_a_channel_counts_by_what_it_contributes():
    # The second channel is stored as large as the first, but contributes a thousandth of it.
    values = torch.cat([_heavy_tailed(), _heavy_tailed() * 1e-3])
    factors = np.array([1.0, 1e-3], np.float32)
    assert best_scale(values, factors) == pytest.approx(best_scale(values[:1], ONES), rel=0.2)


def test_spread_compares_the_images_that_have_a_gradient():
    gradient = torch.ones(3, 2, 2, 2, dtype=torch.float64) * torch.tensor([4.0, 1.0, 0.0]).reshape(
        3, 1, 1, 1
    )
    assert spread_of_images(gradient) == 4.0
    assert spread_of_images(torch.zeros(2, 1, 1, 1)) == 1.0


def test_the_factor_brings_every_peak_above_a_sixteenth_to_the_same_size():
    table = factor_table().astype(int)
    assert len(table) == GRADIENT_LEVELS + 2
    assert table.min() > 0
    assert table.max() == GRADIENT_LEVELS
    assert (np.diff(table) <= 0).all()
    peaks = np.arange(8, GRADIENT_LEVELS + 1)
    np.testing.assert_allclose(table[peaks] * peaks, 127 * 127 / 16, rtol=0.07)
