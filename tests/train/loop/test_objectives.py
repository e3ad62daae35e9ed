from __future__ import annotations

import pytest

from train.loop.objectives import ramp_factor


@pytest.mark.parametrize(
    ("progress", "ramp", "expected"),
    [(0.0, 0.0, 1.0), (0.0, 0.2, 0.0), (0.1, 0.2, 0.5), (0.2, 0.2, 1.0), (0.9, 0.2, 1.0)],
)
def test_a_ramp_rises_to_one_and_stays(progress: float, ramp: float, expected: float) -> None:
    assert ramp_factor(progress, ramp) == pytest.approx(expected)
