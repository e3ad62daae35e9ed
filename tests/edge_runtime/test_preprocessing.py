"""The preprocessing kernel: exact arithmetic, geometry and the mapping back to the frame."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.preprocessing import Preprocessing


def _frame(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _ramp(height: int, width: int) -> np.ndarray:
    """A frame whose red holds the column and whose green holds the row, up to 255."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.zeros_like(rows)], axis=-1).astype(np.uint8)


def test_a_frame_of_the_network_size_is_copied():
    frame = _frame(32, 48)
    assert np.array_equal(Preprocessing(32, 48).apply(frame), frame)


@pytest.mark.parametrize("factor", [2, 3, 4, 7, 16, 20])
def test_shrinking_by_a_whole_number_is_the_exact_mean_of_each_box(factor):
    frame = _frame(8 * factor, 6 * factor)
    boxes = frame.reshape(8, factor, 6, factor, 3).sum(axis=(1, 3), dtype=np.int64)
    expected = (boxes + factor * factor // 2) // (factor * factor)
    assert np.array_equal(Preprocessing(8, 6).apply(frame), expected)


@given(factors=st.tuples(st.sampled_from((3, 5, 7)), st.sampled_from((3, 5, 7))), data=st.data())
def test_boxes_of_an_odd_number_of_pixels_are_exact_for_any_bytes(factors, data):
    (factor_y, factor_x), sides = factors, st.integers(1, 6)
    height, width = data.draw(sides), data.draw(sides)
    seed = data.draw(st.integers(0, 2**32 - 1))
    grey = np.array(data.draw(st.sampled_from(([0, 255], [0, 1], [254, 255], range(256)))))
    shape = (height * factor_y, width * factor_x, 3)
    frame = np.random.default_rng(seed).choice(grey, shape).astype(np.uint8)
    boxes = frame.reshape(height, factor_y, width, factor_x, 3).sum(axis=(1, 3), dtype=np.int64)
    count = factor_y * factor_x
    resized = Preprocessing(height, width, "stretch").apply(frame)
    assert np.array_equal(resized, (boxes + count // 2) // count)


def test_the_axes_are_decimated_on_their_own():
    frame = _frame(24, 10)
    expected = (frame.reshape(6, 4, 10, 3).sum(axis=1, dtype=np.int64) + 2) // 4
    assert np.array_equal(Preprocessing(6, 10, "stretch").apply(frame), expected)


def test_the_bytes_are_the_same_on_every_machine():
    """Hash of the result for sizes that use each kernel; the same on x86, arm64, OpenCV 4 and 5."""
    digest = hashlib.sha256()
    for height, width in ((480, 640), (1080, 1350), (321, 400), (97, 64), (1, 1)):
        for fit in ("crop", "letterbox", "stretch"):
            rows, columns, channels = np.indices((height, width, 3), dtype=np.uint32)
            frame = (rows * 7919 + columns * 104729 + channels * 1299709 >> 5).astype(np.uint8)
            digest.update(Preprocessing(160, 128, fit).apply(frame).tobytes())
    assert digest.hexdigest() == (
        "67f643111af2b38520fee483785c50a2c0435126700893e142c5d021f758e021"
    )


def test_crop_takes_the_centre_of_a_wide_frame():
    frame = np.zeros((20, 60, 3), np.uint8)
    frame[:, 20:40] = 200
    assert (Preprocessing(20, 20, "crop").apply(frame) == 200).all()


def test_crop_takes_the_centre_of_a_tall_frame():
    frame = np.zeros((60, 20, 3), np.uint8)
    frame[20:40] = 200
    assert (Preprocessing(20, 20, "crop").apply(frame) == 200).all()


def test_letterbox_keeps_the_whole_frame_and_pads_with_black():
    result = Preprocessing(20, 20, "letterbox").apply(np.full((20, 40, 3), 200, np.uint8))
    assert (result[5:15] == 200).all()
    assert (result[:5] == 0).all()
    assert (result[15:] == 0).all()


def test_a_strided_view_gives_the_bytes_of_its_copy():
    frame = _frame(100, 80)[::-1, ::2]
    preprocessing = Preprocessing(32, 32)
    assert np.array_equal(preprocessing.apply(frame), preprocessing.apply(frame.copy()))


@pytest.mark.parametrize("fit", ["crop", "letterbox", "stretch"])
def test_apply_into_fills_the_buffer_of_the_caller(fit):
    preprocessing = Preprocessing(24, 32, fit)
    frame = _frame(50, 90)
    batch = np.full((1, 24, 32, 3), 77, np.uint8)
    preprocessing.apply_into(frame, batch[0])
    assert np.array_equal(batch[0], preprocessing.apply(frame))


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
    ids=["grey", "four channels", "float", "no pixels"],
)
def test_a_frame_of_another_kind_is_refused(frame):
    with pytest.raises(ValueError, match="expected a"):
        Preprocessing(8, 8).apply(frame)


@pytest.mark.parametrize(
    ("height", "width", "fit"),
    [(0, 8, "crop"), (8, 20000, "crop"), (8, 8, "fill"), (8.0, 8, "crop")],
)
def test_settings_out_of_range_are_refused(height, width, fit):
    with pytest.raises(ValueError, match="must be"):
        Preprocessing(height, width, fit)


@settings(max_examples=60)
@given(
    frame_hw=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    network_hw=st.tuples(st.integers(1, 64), st.integers(1, 64)),
    fit=st.sampled_from(["crop", "letterbox", "stretch"]),
)
def test_any_frame_fits_any_network(frame_hw, network_hw, fit):
    preprocessing = Preprocessing(*network_hw, fit)
    frame = np.full((*frame_hw, 3), 90, np.uint8)
    result = preprocessing.apply(frame)
    assert result.shape == (*network_hw, 3)
    assert set(np.unique(result)) <= {0, 90}
    assert 90 in result


@pytest.mark.parametrize("fit", ["crop", "letterbox", "stretch"])
@pytest.mark.parametrize("frame_hw", [(60, 90), (200, 131), (31, 240), (255, 255)])
def test_the_mapping_leads_from_a_network_pixel_to_its_place_in_the_frame(fit, frame_hw):
    preprocessing = Preprocessing(40, 40, fit)
    result = preprocessing.apply(_ramp(*frame_hw)).astype(float)
    mapping = preprocessing.mapping(*frame_hw)
    for row, column in ((20, 20), (19, 23), (21, 18)):
        frame_x = mapping.offset_x + (column + 0.5) * mapping.scale_x
        frame_y = mapping.offset_y + (row + 0.5) * mapping.scale_y
        # The ramp's value at continuous coordinate c is c - 0.5; each kernel rounds once.
        assert result[row, column, 0] == pytest.approx(frame_x - 0.5, abs=1.01)
        assert result[row, column, 1] == pytest.approx(frame_y - 0.5, abs=1.01)


def test_the_mapping_of_a_coarse_map_spans_the_same_field():
    fine = Preprocessing(160, 160).mapping(480, 640)
    coarse = fine.for_map((5, 5), (160, 160))
    assert coarse.scale_x * 5 == pytest.approx(fine.scale_x * 160)
    assert coarse.offset_x == fine.offset_x


def test_json_round_trip():
    preprocessing = Preprocessing(160, 128, "letterbox")
    assert Preprocessing.from_json(preprocessing.to_json()) == preprocessing


@pytest.mark.parametrize(
    "change",
    [
        {"kernel": "bicubic"},
        {"color_order": "BGR"},
        {"height": "160"},
        {"fit": "pad"},
        {"roi": {"left": 0, "top": 0, "right": 1, "bottom": 1}},
        {"roi": 3, "kernel": "region+area-integer+linear-exact"},
        {"kernel": "region+area-integer+linear-exact"},
    ],
)
def test_json_of_another_preprocessing_is_refused(change):
    with pytest.raises(ValueError, match=r"preprocessing|must be"):
        Preprocessing.from_json({**Preprocessing(8, 8).to_json(), **change})
