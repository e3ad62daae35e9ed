"""Showing a map: where it lies, what it hides, and what it does with odd maps."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.map_grid import MapGrid
from edge_runtime.preprocessing import FrameMapping, Preprocessing
from edge_runtime.saliency import (
    colorize,
    heat_of_map,
    heat_on_frame,
    overlay,
    smoothed_map,
    top_regions,
)

FRAME = np.full((120, 200, 3), 90, np.uint8)


def _spot(height, width, row, column):
    saliency = np.zeros((height, width), np.float32)
    saliency[row, column] = 1
    return saliency


def test_heat_is_between_zero_and_one_whatever_the_range():
    saliency = np.random.default_rng(0).normal(-5, 40, (20, 20)).astype(np.float32)
    heat = heat_of_map(saliency)
    assert heat.min() == 0
    assert heat.max() == 1


@pytest.mark.parametrize("factor", [1e-9, 1.0, 1e6])
def test_heat_does_not_depend_on_the_scale_of_the_map(factor):
    saliency = np.random.default_rng(0).random((60, 60)).astype(np.float32)
    np.testing.assert_allclose(heat_of_map(saliency * factor), heat_of_map(saliency), atol=1e-4)


@pytest.mark.parametrize("side", [16, 40, 56], ids=["64 pixels", "160 pixels", "224 pixels"])
def test_the_lattice_that_a_stride_leaves_in_a_gradient_is_not_drawn(side):
    rows, columns = np.mgrid[:side, :side]
    middle = (rows - side / 2) ** 2 + (columns - side / 2) ** 2
    every_second = (1 + (-1.0) ** rows) * (1 + (-1.0) ** columns)
    hill = np.exp(-middle / (side / 4) ** 2)
    outlines = [
        top_regions(heat_on_frame(heat_of_map(saliency.astype(np.float32)), mapping, (320, 320)))
        for mapping in [Preprocessing(side, side).mapping(320, 320)]
        for saliency in (hill, hill * every_second)
    ]
    assert [len(regions) for regions in outlines] == [1, 1]


def test_the_few_cells_of_a_class_activation_map_are_not_spread():
    saliency = _spot(7, 7, 2, 3)
    assert np.array_equal(smoothed_map(saliency), saliency)


@pytest.mark.parametrize(
    "saliency",
    [np.zeros((8, 8)), np.full((8, 8), 3.0), np.full((8, 8), np.nan), np.full((8, 8), np.inf)],
    ids=["zero", "constant", "nan", "infinite"],
)
def test_a_map_without_contrast_leaves_the_picture_as_it_is(saliency):
    mapping = Preprocessing(8, 8).mapping(120, 200)
    assert np.array_equal(overlay(FRAME, saliency.astype(np.float32), mapping), FRAME)


@pytest.mark.parametrize("fit", ["crop", "stretch", "letterbox"])
@pytest.mark.parametrize("cells", [5, 80], ids=["coarse", "fine"])
def test_a_spot_is_shown_where_the_network_saw_it(fit, cells):
    preprocessing = Preprocessing(80, 80, fit)
    mapping = preprocessing.mapping(120, 200).for_map((cells, cells), (80, 80))
    row, column = round(cells * 0.4), round(cells * 0.6)
    heat = heat_on_frame(_spot(cells, cells, row, column), mapping, (120, 200))
    rows, columns = np.mgrid[:120, :200] + 0.5
    centre = (heat * rows).sum() / heat.sum(), (heat * columns).sum() / heat.sum()
    expected = (
        mapping.offset_y + (row + 0.5) * mapping.scale_y,
        mapping.offset_x + (column + 0.5) * mapping.scale_x,
    )
    assert centre == pytest.approx(expected, abs=0.6)


@pytest.mark.parametrize("fit", ["crop", "stretch", "letterbox"])
def test_a_cell_whose_window_lies_off_its_share_is_shown_where_it_looks(fit):
    mapping = Preprocessing(80, 80, fit).mapping(120, 200)
    grid = MapGrid((15.5, 12.0), (16.0, 16.0))
    coarse = mapping.for_map((5, 5), (80, 80), grid)
    heat = heat_on_frame(_spot(5, 5, 2, 2), coarse, (120, 200))
    rows, columns = np.mgrid[:120, :200] + 0.5
    centre = (heat * rows).sum() / heat.sum(), (heat * columns).sum() / heat.sum()
    expected = (
        mapping.offset_y + mapping.scale_y * (15.5 + 2 * 16.0),
        mapping.offset_x + mapping.scale_x * (12.0 + 2 * 16.0),
    )
    assert centre == pytest.approx(expected, abs=0.6)


def test_cells_beside_the_picture_leave_no_part_of_it_bare():
    mapping = Preprocessing(10, 10, "crop").mapping(120, 200)
    coarse = mapping.for_map((2, 2), (10, 10), MapGrid((5.0, 5.0), (5.0, 5.0)))
    heat = heat_on_frame(np.ones((2, 2), np.float32), coarse, (120, 200))
    assert (heat[:, 40:160] == 1).all()
    assert (heat[:, :40] == 0).all()
    assert (heat[:, 160:] == 0).all()


def test_heat_stays_inside_the_part_that_the_network_sees():
    mapping = Preprocessing(10, 10, "crop").mapping(120, 200)
    heat = heat_on_frame(np.ones((10, 10), np.float32), mapping, (120, 200))
    assert (heat[:, 40:160] == 1).all()
    assert (heat[:, :40] == 0).all()
    assert (heat[:, 160:] == 0).all()


def test_cold_parts_of_the_picture_are_untouched():
    mapping = Preprocessing(8, 8).mapping(120, 200)
    result = overlay(FRAME, _spot(8, 8, 4, 4), mapping)
    assert np.array_equal(result[:, :30], FRAME[:, :30])
    assert not np.array_equal(result, FRAME)


def test_opacity_zero_without_contour_is_the_picture():
    mapping = Preprocessing(8, 8).mapping(120, 200)
    result = overlay(FRAME, _spot(8, 8, 4, 4), mapping, opacity=0, contour=False)
    assert np.array_equal(result, FRAME)


def test_the_frame_itself_is_never_drawn_on():
    frame = FRAME.copy()
    overlay(frame, _spot(8, 8, 4, 4), Preprocessing(8, 8).mapping(120, 200))
    assert np.array_equal(frame, FRAME)


def test_opacity_out_of_range_is_refused():
    with pytest.raises(ValueError, match="opacity"):
        overlay(FRAME, _spot(8, 8, 4, 4), FrameMapping(1, 1, 0, 0), opacity=1.5)


def test_colours_grow_brighter_and_are_rgb():
    colors = colorize(np.linspace(0, 1, 64, dtype=np.float32)[None])[0].astype(int)
    brightness = colors @ [2126, 7152, 722]
    assert (np.diff(brightness) >= 0).all()
    assert colors[40, 0] > colors[40, 2]


@pytest.mark.parametrize("frame_hw", [(1, 1), (3, 500), (700, 2)])
def test_frames_of_odd_shapes_can_be_drawn_on(frame_hw):
    frame = np.zeros((*frame_hw, 3), np.uint8)
    mapping = Preprocessing(16, 16).mapping(*frame_hw)
    assert overlay(frame, _spot(16, 16, 8, 8), mapping).shape == frame.shape
