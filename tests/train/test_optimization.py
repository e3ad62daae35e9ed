from __future__ import annotations

import pytest

from train.optimization import rate_factor


def test_the_rate_rises_and_falls_to_nearly_nothing() -> None:
    factors = [rate_factor(step, 100, 0.1) for step in range(100)]
    assert factors[:10] == sorted(factors[:10])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[10] == 1.0
    assert factors[-1] < 0.001


@pytest.mark.parametrize(("step", "factor"), [(0, 1.0), (50, 0.5), (75, 0.146447)])
def test_without_warmup_it_is_half_a_cosine(step: int, factor: float) -> None:
    assert rate_factor(step, 100, 0.0) == pytest.approx(factor, abs=1e-6)
