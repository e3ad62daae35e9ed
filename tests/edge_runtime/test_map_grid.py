"""A coarse map is laid where its cells look."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.map_grid import MapGrid

MAP = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)


def test_cells_that_share_the_picture_evenly_are_enlarged_as_by_opencv():
    grid = MapGrid.nominal((5, 7), (160, 224))
    assert grid == MapGrid((16.0, 16.0), (32.0, 32.0))
    expected = cv2.resize(MAP, (224, 160), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(grid.enlarged(MAP, (160, 224)), expected, atol=1e-5)


def test_a_cells_value_stands_at_its_centre_and_goes_on_beyond_the_last():
    grid = MapGrid((31.5, 15.5), (32.0, 32.0))
    large = grid.enlarged(MAP, (160, 224))
    # Pixel i has its centre at i + 0.5.
    assert large[31, 15] == pytest.approx(MAP[0, 0])
    assert large[63, 47] == pytest.approx(MAP[1, 1])
    assert large[0, 0] == pytest.approx(MAP[0, 0])
    assert large[159, 223] == pytest.approx(MAP[4, 6])


@given(
    first=st.floats(-40, 40),
    stride=st.floats(0.5, 40),
    pixels=st.integers(1, 50),
)
def test_an_even_map_stays_even(first, stride, pixels):
    grid = MapGrid((first, first), (stride, stride))
    np.testing.assert_allclose(
        grid.enlarged(np.ones((3, 4), np.float32), (pixels, 9)), 1, rtol=1e-6
    )


def test_the_record_is_read_back():
    grid = MapGrid((31.5, 15.5), (32.0, 16.0))
    assert MapGrid.from_json(grid.to_json()) == grid


@pytest.mark.parametrize(
    "record",
    [
        {"first_yx": [1, 2]},
        {"first_yx": [1, 2], "stride_yx": [1, 0]},
        {"first_yx": [1, 2], "stride_yx": [1, "2"]},
        {"first_yx": [1, 2, 3], "stride_yx": [1, 2]},
        {"first_yx": [float("nan"), 2], "stride_yx": [1, 2]},
        {"first_yx": [True, 2], "stride_yx": [1, 2]},
    ],
)
def test_a_record_that_places_no_cell_is_refused(record):
    with pytest.raises(ValueError, match=r"(first|stride)_yx|places"):
        MapGrid.from_json(record)
