from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from train.data.augment import Augmentation, augment, keyed_generator
from train.data.covering import erase_rectangle, fill_surround, surround


def endoscope_view(side: int = 64) -> NDArray[np.uint8]:
    """Reddish tissue with one dark pixel, and a black box bottom left that is not quite zero."""
    image = np.full((side, side, 3), (180, 90, 70), dtype=np.uint8)
    image[10, 40] = 5
    image[-20:, :16] = 7
    return image


def test_the_surround_is_the_box_with_its_rim_and_no_single_dark_pixel() -> None:
    where = surround(endoscope_view())
    expected = np.zeros((64, 64), dtype=bool)
    expected[-21:, :17] = True
    np.testing.assert_array_equal(where, expected)


@pytest.mark.parametrize("seed", range(8))
def test_only_the_surround_is_filled(seed: int) -> None:
    image = endoscope_view()
    where = surround(image)
    filled = image.copy()
    fill_surround(filled, where, np.random.default_rng(seed))
    np.testing.assert_array_equal(filled[~where], image[~where])
    assert (filled[where] != image[where]).any()


@pytest.mark.parametrize("seed", range(20))
def test_a_rectangle_of_a_tenth_to_two_fifths_of_each_side_is_erased(seed: int) -> None:
    image = np.full((50, 80, 3), 100, dtype=np.uint8)
    erased = image.copy()
    erase_rectangle(erased, np.random.default_rng(seed))
    rows, columns = (np.flatnonzero((erased != 100).any(axis=(axis, 2))) for axis in (1, 0))
    assert 4 <= np.ptp(rows) + 1 <= 20
    assert 7 <= np.ptp(columns) + 1 <= 32


def test_corners_are_erased_more_often_than_chance_would() -> None:
    corners = 0
    for seed in range(100):
        image = np.full((64, 64, 3), 100, dtype=np.uint8)
        erase_rectangle(image, np.random.default_rng(seed))
        corners += any((image[r, c] != 100).any() for r in (0, -1) for c in (0, -1))
    assert 40 <= corners <= 65


def test_a_view_differs_only_where_it_is_covered() -> None:
    image = endoscope_view()
    plain = augment(image, Augmentation(), keyed_generator(0, "view"))
    covered = augment(image, Augmentation(erase=1.0), keyed_generator(0, "view"))
    changed = (plain != covered).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert 0 < changed.sum() <= (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert np.ptp(rows) + 1 <= 25
    assert np.ptp(columns) + 1 <= 25
