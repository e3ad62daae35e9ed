"""The region of interest: exact geometry, the same pixels as a frame that was cut by hand."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.preprocessing import Preprocessing
from edge_runtime.region_of_interest import RegionOfInterest
from edge_runtime.saliency import heat_on_frame

FITS = st.sampled_from(["crop", "letterbox", "stretch"])
SIDES = st.tuples(st.integers(0, 99), st.integers(0, 99)).filter(lambda s: s[0] != s[1])
RECTANGLES = st.tuples(SIDES, SIDES).map(
    lambda xy: RegionOfInterest(min(xy[0]) / 99, min(xy[1]) / 99, max(xy[0]) / 99, max(xy[1]) / 99)
)
FRAME_HW = st.tuples(st.integers(1, 120), st.integers(1, 120))
NETWORK_HW = st.tuples(st.integers(1, 40), st.integers(1, 40))


def _frame(frame_hw: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 256, (*frame_hw, 3), dtype=np.uint8)


def _cut(frame: np.ndarray, roi: RegionOfInterest) -> np.ndarray:
    top, bottom, left, right = roi.pixels(*frame.shape[:2])
    return frame[top:bottom, left:right]


@settings(max_examples=100)
@given(frame_hw=FRAME_HW, network_hw=NETWORK_HW, fit=FITS, roi=RECTANGLES)
def test_a_rectangle_gives_the_bytes_of_the_frame_cut_by_hand(frame_hw, network_hw, fit, roi):
    frame = _frame(frame_hw)
    seen = Preprocessing(*network_hw, fit, roi).apply(frame)
    np.testing.assert_array_equal(seen, Preprocessing(*network_hw, fit).apply(_cut(frame, roi)))


@settings(max_examples=100)
@given(frame_hw=FRAME_HW, network_hw=NETWORK_HW, fit=FITS, roi=RECTANGLES)
def test_the_mapping_leads_back_to_the_whole_frame(frame_hw, network_hw, fit, roi):
    whole = Preprocessing(*network_hw, fit, roi).mapping(*frame_hw)
    part = Preprocessing(*network_hw, fit).mapping(*_cut(_frame(frame_hw), roi).shape[:2])
    top, _, left, _ = roi.pixels(*frame_hw)
    assert (whole.scale_x, whole.scale_y) == (part.scale_x, part.scale_y)
    assert whole.offset_x == pytest.approx(part.offset_x + left, abs=1e-9)
    assert whole.offset_y == pytest.approx(part.offset_y + top, abs=1e-9)


@settings(max_examples=40)
@given(
    frame_hw=FRAME_HW,
    network_hw=st.tuples(st.integers(1, 14), st.integers(1, 14)),
    fit=FITS,
    roi=RECTANGLES,
    shape=st.sampled_from(["ellipse", "octagon"]),
)
def test_a_shape_blackens_the_pixels_whose_centre_lies_outside(
    frame_hw, network_hw, fit, roi, shape
):
    frame = _frame(frame_hw)
    kept = Preprocessing(*network_hw, fit, roi).apply(frame)
    shaped = Preprocessing(
        *network_hw, fit, RegionOfInterest(roi.left, roi.top, roi.right, roi.bottom, shape)
    )
    mapping = shaped.mapping(*frame_hw)
    top, bottom, left, right = roi.pixels(*frame_hw)
    seen = shaped.apply(frame)
    for row, column in np.ndindex(*network_hw):
        # In the region's own coordinates, from -1 to 1, without rounding but the mapping's own.
        x = Fraction(mapping.offset_x) + (column + Fraction(1, 2)) * Fraction(mapping.scale_x)
        y = Fraction(mapping.offset_y) + (row + Fraction(1, 2)) * Fraction(mapping.scale_y)
        u, v = (
            abs((2 * x - left - right) / (right - left)),
            abs((2 * y - top - bottom) / (bottom - top)),
        )
        reach = u**2 + v**2 if shape == "ellipse" else max(u, v, (u + v) / Fraction("1.414"))
        if abs(reach - 1) > 1e-9:
            expected = kept[row, column] if reach < 1 else np.zeros(3, np.uint8)
            np.testing.assert_array_equal(seen[row, column], expected)


def test_a_circle_keeps_the_middle_and_blackens_the_corners():
    roi = RegionOfInterest(0.0, 0.0, 1.0, 1.0, "ellipse")
    seen = Preprocessing(4, 4, "stretch", roi).apply(np.full((4, 4, 3), 9, np.uint8))
    assert seen[..., 0].tolist() == [[0, 9, 9, 0], [9, 9, 9, 9], [9, 9, 9, 9], [0, 9, 9, 0]]


def test_the_bytes_stay_the_same():
    """Hash of the result with each shape; OpenCV 4 and 5 give the same."""
    digest = hashlib.sha256()
    rows, columns, channels = np.indices((1080, 1920, 3), dtype=np.uint32)
    frame = (rows * 7919 + columns * 104729 + channels * 1299709 >> 5).astype(np.uint8)
    for shape in ("rectangle", "ellipse", "octagon"):
        for fit in ("crop", "letterbox", "stretch"):
            roi = RegionOfInterest(0.2917, 0.0123, 0.9871, 0.9877, shape)
            digest.update(Preprocessing(160, 128, fit, roi).apply(frame).tobytes())
    assert digest.hexdigest() == (
        "0c62e766d98cf61966ca5e8cf444ab1e736bd1ef57779b57016969b3e6b8db4d"
    )


def test_a_map_is_drawn_inside_the_region_and_nowhere_else():
    roi = RegionOfInterest(0.5, 0.25, 1.0, 0.75)
    mapping = Preprocessing(8, 8, "stretch", roi).mapping(40, 40)
    drawn = heat_on_frame(np.ones((8, 8), np.float32), mapping, (40, 40))
    assert (drawn[10:30, 20:] == 1).all()
    assert drawn.sum() == 20 * 20


@pytest.mark.parametrize(
    "text",
    ["", "0,0,1", "0,0,1,1,1", "a,0,1,1", "0,0,1.1,1", "-0.1,0,1,1", "0.5,0,0.5,1", "nan,0,1,1"],
)
def test_what_is_no_region_is_refused(text):
    with pytest.raises(ValueError, match="region"):
        RegionOfInterest.parse(text)


@given(RECTANGLES)
def test_text_and_json_round_trip(roi):
    assert RegionOfInterest.parse(str(roi)) == roi
    preprocessing = Preprocessing(8, 8, "crop", roi)
    assert Preprocessing.from_json(preprocessing.to_json()) == preprocessing
