"""A region is read from text, and holds the pixels whose centres it holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.errors import UsageError
from edge_runtime.metrics import Region, energy_inside

DISPLAY = "position=0,0.675,0.3,1"


def test_it_reads_what_it_writes() -> None:
    region = Region.parse(DISPLAY)
    assert (region.name, region.left, region.bottom) == ("position", 0.0, 1.0)
    assert str(region) == DISPLAY


def test_the_position_display_is_bottom_left() -> None:
    mask = Region.parse(DISPLAY).mask(160, 160)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (108, 159, 0, 47)
    assert mask.sum() == 52 * 48


def test_an_even_map_has_the_areas_share_inside() -> None:
    mask = Region.parse(DISPLAY).mask(40, 60)
    assert energy_inside(np.ones((40, 60)), mask) == pytest.approx(mask.mean())


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.01, 0.99))
def test_two_halves_share_no_pixel_and_leave_none(height: int, width: int, cut: float) -> None:
    upper = Region("upper", 0, 0, 1, cut).mask(height, width)
    lower = Region("lower", 0, cut, 1, 1).mask(height, width)
    assert np.all(upper ^ lower)


@pytest.mark.parametrize(
    "text",
    [
        "position",
        "=0,0,1,1",
        "box=0,0,1",
        "box=a,0,1,1",
        "box=0.5,0,0.5,1",
        "box=0,0,1,1.01",
        "box=nan,0,1,1",
    ],
)
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="NAME=X0,Y0,X1,Y1"):
        Region.parse(text)
