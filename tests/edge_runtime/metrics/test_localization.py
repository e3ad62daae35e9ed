"""Saliency against a mask: worked examples, and what blind guesses score."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.metrics import blind_pointing, box_mean, energy_inside, pointing

MASK = np.zeros((6, 8), np.bool_)
MASK[1:3, 2:5] = True


def _peak(row: int, column: int) -> np.ndarray:
    saliency = np.full(MASK.shape, 0.1)
    saliency[row, column] = 1.0
    return saliency


@pytest.mark.parametrize(("row", "column", "hit"), [(1, 2, 1.0), (2, 4, 1.0), (3, 4, 0.0)])
def test_pointing_asks_where_the_maximum_lies(row: int, column: int, hit: float) -> None:
    assert pointing(_peak(row, column), MASK) == hit


def test_a_flat_map_points_as_well_as_chance() -> None:
    assert pointing(np.ones(MASK.shape), MASK) == pytest.approx(MASK.mean())
    assert pointing(np.zeros(MASK.shape), MASK) == pytest.approx(MASK.mean())


def test_energy_is_the_share_of_the_sum_inside() -> None:
    assert energy_inside(np.ones(MASK.shape), MASK) == pytest.approx(6 / 48)
    assert energy_inside(MASK * 3.0, MASK) == 1.0
    assert energy_inside(~MASK * 3.0, MASK) == 0.0
    assert math.isnan(energy_inside(np.zeros(MASK.shape), MASK))


def test_a_coarse_map_counts_by_the_cell_that_holds_each_pixel() -> None:
    cells = np.array([[1.0, 0.0], [0.0, 0.0]])
    assert pointing(cells, MASK) == pytest.approx(4 / 12)
    fine = cells.repeat(3, axis=0).repeat(4, axis=1)
    assert energy_inside(cells, MASK) == pytest.approx(energy_inside(fine, MASK))


@settings(max_examples=60)
@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3, 5, 9]), st.integers(0, 2**31))
def test_box_mean_is_the_mean_of_the_pixels_that_exist(
    height: int, width: int, side: int, seed: int
) -> None:
    values = np.random.default_rng(seed).random((height, width))
    half = side // 2
    expected = [
        [
            values[max(r - half, 0) : r + half + 1, max(c - half, 0) : c + half + 1].mean()
            for c in range(width)
        ]
        for r in range(height)
    ]
    np.testing.assert_allclose(box_mean(values, side), expected, atol=1e-12)


def test_blind_guesses_know_only_where_lesions_usually_lie() -> None:
    masks = [np.zeros((4, 4), np.bool_) for _ in range(4)]
    masks[0][2, 2] = masks[1][0, 3] = masks[2][0, 3] = masks[3][0, 3] = True
    result = blind_pointing(masks)
    assert result.centre == 0.25
    assert result.best == 0.75
    assert result.best_pixel == (0, 3)


@pytest.mark.parametrize(
    ("saliency", "message"),
    [
        (np.ones(4), "expected saliency"),
        (np.full(MASK.shape, -1.0), "negative"),
        (np.full(MASK.shape, np.nan), "finite"),
    ],
)
def test_what_is_no_map_is_refused(saliency: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pointing(saliency, MASK)


def test_an_even_window_has_no_centre() -> None:
    with pytest.raises(ValueError, match="odd"):
        box_mean(np.ones((3, 3)), 4)


def test_guessing_needs_masks() -> None:
    with pytest.raises(ValueError, match="no mask"):
        blind_pointing([])
