"""Occlusion on a classifier that can be worked out by hand: it sums what shines."""

from __future__ import annotations

import numpy as np
import pytest

from train.attribution import occlusion_map


def shine(images: np.ndarray) -> np.ndarray:
    """Two logits: the sum of the red values, and its negative."""
    red = images[..., 0].astype(np.float32).sum(axis=(1, 2)) / 255
    return np.stack([red, -red], axis=1)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """A bright square of 4 x 4 pixels on black."""
    shown = np.zeros((32, 48, 3), np.uint8)
    shown[20:24, 30:34, 0] = 255
    return shown


def test_the_map_is_highest_where_the_evidence_is(image: np.ndarray) -> None:
    found = occlusion_map(shine, image, 0)
    assert found.shape == (32, 48)
    rows, columns = np.nonzero(found == found.max())
    assert abs(rows.mean() - 21.5) < 2
    assert abs(columns.mean() - 31.5) < 2
    assert found[:10].max() == pytest.approx(0, abs=0.5)


def test_a_place_that_speaks_against_the_class_is_negative(image: np.ndarray) -> None:
    np.testing.assert_allclose(occlusion_map(shine, image, 1), -occlusion_map(shine, image, 0))


def test_every_pixel_is_covered_whatever_the_size() -> None:
    for height, width in ((3, 3), (17, 5), (31, 64)):
        picture = np.full((height, width, 3), 200, np.uint8)
        assert not occlusion_map(shine, picture, 0).any()
