"""Where a map says that the evidence is, and when it says nothing."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.evidence import concentration, find_evidence
from edge_runtime.preprocessing import Preprocessing
from edge_runtime.saliency import heat_of_map, heat_on_frame, warmest

FRAME_HW = (120, 200)


def _blob(side, row, column, height=1.0):
    """A map with a round warm place, in a weak even glow."""
    rows, columns = np.mgrid[:side, :side] / side
    distance = (rows - row) ** 2 + (columns - column) ** 2
    return (0.01 + height * np.exp(-distance / 0.005)).astype(np.float32)


def _found(saliency, fit="crop", floor=None):
    preprocessing = Preprocessing(80, 80, fit)
    mapping = preprocessing.mapping(*FRAME_HW).for_map(saliency.shape, (80, 80))
    return find_evidence(saliency, mapping, FRAME_HW, floor), mapping


@pytest.mark.parametrize("fit", ["crop", "stretch", "letterbox"])
@pytest.mark.parametrize("side", [20, 80], ids=["coarse", "fine"])
def test_the_box_is_around_the_warmest_pixels_of_the_drawn_map(fit, side):
    evidence, mapping = _found(_blob(side, 0.5, 0.6), fit)
    drawn = warmest(heat_on_frame(heat_of_map(_blob(side, 0.5, 0.6)), mapping, FRAME_HW))
    rows, columns = np.nonzero(drawn)
    centre = (columns.mean() + 0.5) / FRAME_HW[1], (rows.mean() + 0.5) / FRAME_HW[0]
    left, top, right, bottom = evidence.box
    assert (left + right) / 2 == pytest.approx(centre[0], abs=0.02)
    assert (top + bottom) / 2 == pytest.approx(centre[1], abs=0.02)
    assert 0 <= left < right <= 1
    assert 0 <= top < bottom <= 1


def test_of_two_places_the_one_with_more_energy_is_boxed():
    evidence, _ = _found(_blob(80, 0.3, 0.3) + _blob(80, 0.7, 0.7, height=1.6), "stretch")
    left, top, right, bottom = evidence.box
    assert left < 0.7 < right
    assert top < 0.7 < bottom
    assert 0.3 < evidence.share < 0.7


def test_a_narrow_map_puts_more_of_its_energy_into_the_box_than_a_wide_one():
    narrow, _ = _found(_blob(80, 0.5, 0.5))
    wide, _ = _found(np.sqrt(_blob(80, 0.5, 0.5)))
    assert 0.05 < wide.share < narrow.share <= 1


@pytest.mark.parametrize(
    "saliency",
    [
        np.zeros((20, 20)),
        np.full((20, 20), -1.0),
        np.full((20, 20), np.nan),
        np.eye(1, 400).reshape(20, 20),
    ],
    ids=["zero", "negative", "nan", "one cell"],
)
def test_a_map_that_is_all_but_zero_has_no_signal(saliency):
    evidence, _ = _found(saliency.astype(np.float32))
    assert (evidence.box, evidence.share) == (None, None)
    assert evidence.no_signal == "the map is all but zero"


def test_a_map_as_spread_out_as_those_of_random_weights_has_no_signal():
    noise = np.random.default_rng(0).random((40, 40)).astype(np.float32)
    floor = concentration(noise)
    assert "random weights" in _found(noise, floor=floor)[0].no_signal
    assert not _found(noise, floor=None)[0].no_signal
    assert not _found(_blob(40, 0.5, 0.5), floor=floor)[0].no_signal


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
def test_what_a_map_says_does_not_depend_on_its_scale(factor):
    saliency = _blob(40, 0.4, 0.6)
    assert concentration(saliency * np.float32(factor)) == pytest.approx(concentration(saliency))
    assert _found(saliency * np.float32(factor))[0].to_json() == _found(saliency)[0].to_json()


def test_cells_that_speak_against_the_class_are_no_evidence():
    saliency = _blob(20, 0.25, 0.25) - _blob(20, 0.75, 0.75, height=9.0)
    left, top, right, bottom = _found(saliency, "stretch")[0].box
    assert left < 0.27 < right < 0.6
    assert top < 0.27 < bottom < 0.6
    assert concentration(saliency) == pytest.approx(concentration(np.maximum(saliency, 0)))
