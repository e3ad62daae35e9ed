"""Pixels go and come in the order of the map; the area is scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import auc

from edge_runtime.metrics import (
    area_under_curve,
    blurred,
    deletion_steps,
    insertion_steps,
    pixel_order,
)

IMAGE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def test_the_most_salient_pixel_comes_first() -> None:
    saliency = np.arange(48.0).reshape(6, 8)
    assert pixel_order(saliency).tolist() == list(range(47, -1, -1))


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_equal_values_come_in_a_random_order_that_is_the_same_again(seed: int, levels: int) -> None:
    saliency = np.random.default_rng(seed).integers(0, levels, (6, 8))
    order = pixel_order(saliency, seed)
    assert sorted(order) == list(range(48))
    assert np.all(np.diff(saliency.ravel()[order]) <= 0)
    np.testing.assert_array_equal(order, pixel_order(saliency, seed))


def test_an_even_map_does_not_give_the_reading_order() -> None:
    order = pixel_order(np.zeros((6, 8)))
    assert 12 < np.abs(order - np.arange(48)).mean() < 20  # 16 in the mean


def test_deletion_ends_at_the_mean_colour_and_takes_equal_portions() -> None:
    order = pixel_order(np.arange(48.0).reshape(6, 8))
    shown = deletion_steps(IMAGE, order, 4)
    np.testing.assert_array_equal(shown[0], IMAGE)
    mean = np.rint(IMAGE.mean(axis=(0, 1)))
    for step in range(5):
        gone = np.zeros(48, np.bool_)
        gone[order[: 12 * step]] = True
        gone = gone.reshape(6, 8)
        assert np.all(shown[step][gone] == mean)
        np.testing.assert_array_equal(shown[step][~gone], IMAGE[~gone])


def test_insertion_goes_from_the_blurred_image_to_the_image() -> None:
    order = pixel_order(np.arange(48.0).reshape(6, 8))
    shown = insertion_steps(IMAGE, order, 3)
    np.testing.assert_array_equal(shown[0], blurred(IMAGE))
    np.testing.assert_array_equal(shown[3], IMAGE)
    put_back = shown[1].reshape(48, 3)[-16:]
    np.testing.assert_array_equal(put_back, IMAGE.reshape(48, 3)[-16:])


def test_blur_leaves_the_brightness_and_little_else() -> None:
    image = np.random.default_rng(1).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    soft = blurred(image)
    assert soft.mean() == pytest.approx(image.mean(), abs=1)
    assert soft.std() < 0.05 * image.std()


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_the_area_is_that_of_trapezoids(curve: list[float]) -> None:
    expected = auc(np.linspace(0, 1, len(curve)), curve)
    assert float(area_under_curve(curve)) == pytest.approx(expected, abs=1e-12)


def test_areas_of_many_curves_come_at_once() -> None:
    curves = np.random.default_rng(0).random((3, 2, 5))
    assert area_under_curve(curves).shape == (3, 2)
    assert area_under_curve(curves)[1, 0] == area_under_curve(curves[1, 0])


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="two points"):
        area_under_curve([0.5])
    with pytest.raises(ValueError, match="48 positions"):
        deletion_steps(IMAGE, np.arange(47), 4)
