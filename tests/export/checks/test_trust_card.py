"""What the trust card says of maps, and what its gates stop."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.bundle.trust import SaliencyTrust, trust_table
from edge_runtime.evidence import concentration
from edge_runtime.metrics import pointing, rank_correlation
from export.checks.gates import GateThresholds, judge
from export.checks.parity import run_graph
from export.checks.trust_card import measure_trust, moved_by_one_level
from export.golden import golden_images
from train.evaluation.lesions import Lesions
from train.evaluation.maps import smoothed
from train.prediction import predict_float_saliency, predict_saliency

MODES = ("gradient", "gradient-early", "cam")


@pytest.fixture(scope="module")
def report(trained, candidate, calibration):
    return judge(candidate, calibration, golden_images(trained.preprocessing))


@pytest.fixture
def judged(report):
    """A report of its own for each test, which may change its maps, gates and limits."""
    return replace(report, gates=[], maps=copy.deepcopy(report.maps))


@pytest.fixture(scope="module")
def lesions():
    """Three boxes of the third class, one off the centre."""
    masks = np.zeros((3, 48, 48), bool)
    masks[0, 20:30, 20:30] = masks[1, 10:40, 10:40] = masks[2, 2:12, 30:40] = True
    return Lesions("polyp", np.array([1, 4, 7]), masks)


@pytest.fixture(scope="module")
def card(candidate, report, calibration, lesions, trained):
    own = replace(report, gates=[])
    return measure_trust(candidate, own, calibration, lesions, trained.classes)


def _row(card, mode, engine="onnx"):
    (row,) = (row for row in card if (row.saliency, row.engine) == (mode, engine))
    return row


def test_there_is_a_row_for_each_map_in_each_engine(card, calibration):
    assert [(row.saliency, row.engine) for row in card] == [
        (mode, engine) for mode in MODES for engine in ("onnx", "litert")
    ]
    assert {row.images for row in card} == {len(calibration)}


def test_agreements_are_medians_over_the_calibration_images(card, report, candidate):
    maps = report.maps["gradient"]
    network = candidate.network
    exact = predict_float_saliency(network, maps.images, maps.explained, 8)
    row = _row(card, "gradient", "litert")
    found = maps.by_engine["litert"]
    for measured, one, other in (
        (row.with_trained, found, maps.trained),
        (row.with_float, found, exact),
        (row.trained_with_float, maps.trained, exact),
    ):
        by_hand = [rank_correlation(a, b) for a, b in zip(one, other, strict=True)]
        assert measured.spearman == pytest.approx(np.median(by_hand))
    assert network.quantize


def test_float_maps_leave_the_network_as_it_was(candidate, report):
    maps = report.maps["cam"]
    before = predict_saliency(candidate.network, maps.images[:4], maps.explained[:4], 4, "cam")
    predict_float_saliency(candidate.network, maps.images[:4], maps.explained[:4], 4, "cam")
    after = predict_saliency(candidate.network, maps.images[:4], maps.explained[:4], 4, "cam")
    assert np.array_equal(before, after)


def test_one_level_is_one_level_within_the_range():
    images = np.array([[0, 255], [1, 254], [7, 128]], np.uint8)
    moved = moved_by_one_level(np.broadcast_to(images, (50, 3, 2)).copy())
    steps = moved.astype(int) - images
    assert np.abs(steps).max() == 1
    assert set(np.unique(steps[:, 2])) == {-1, 1}
    assert (steps[:, 0, 0] >= 0).all() and (steps[:, 0, 1] <= 0).all()


def test_maps_of_a_trained_network_are_not_those_of_random_weights(card):
    for mode in MODES:
        assert _row(card, mode).random_weights < 0.9


def test_the_floor_of_a_signal_is_below_nearly_all_maps_or_not_there(card, judged):
    for mode in MODES:
        floor = _row(card, mode).signal_floor
        if floor is not None:
            found = [concentration(one) for one in judged.maps[mode].by_engine["onnx"]]
            assert np.mean(np.array(found) > floor) >= 0.9


def test_maps_that_are_spread_out_have_no_floor(judged, candidate, calibration, trained):
    even = np.ones_like(judged.maps["gradient"].by_engine["onnx"])
    judged.maps["gradient"].by_engine["onnx"] = even
    card = measure_trust(candidate, judged, calibration, None, trained.classes)
    assert _row(card, "gradient").signal_floor is None


def test_concentrated_maps_have_the_highest_of_random_weights_as_their_floor(
    judged, candidate, calibration, trained
):
    point = np.zeros_like(judged.maps["gradient"].by_engine["onnx"])
    point[:, 3, 3] = 1
    judged.maps["gradient"].by_engine["onnx"] = point
    card = measure_trust(candidate, judged, calibration, None, trained.classes)
    assert 0.05 < _row(card, "gradient").signal_floor < 1


def test_pointing_is_that_of_the_lesions_class_beside_blind_guesses(
    card, candidate, calibration, lesions, trained
):
    wanted = np.full(3, trained.classes.index("polyp"), np.int32)
    graph = candidate.graph("onnx", "gradient")
    maps = smoothed(run_graph("onnx", graph, calibration[lesions.positions], wanted).saliency)
    by_hand = [pointing(one, mask) for one, mask in zip(maps, lesions.masks, strict=True)]
    everything, off_centre = _row(card, "gradient").pointing
    assert (everything.lesions, everything.count, everything.label) == ("all", 3, "polyp")
    assert everything.pointing == pytest.approx(np.mean(by_hand))
    assert everything.blind_pointing == pytest.approx(2 / 3)
    assert (off_centre.lesions, off_centre.count) == ("off-centre", 1)


def test_without_masks_there_is_no_pointing(candidate, judged, calibration, trained):
    card = measure_trust(candidate, judged, calibration, None, trained.classes)
    assert all(row.pointing == () for row in card)
    columns, lines = trust_table(card)
    assert len(columns) == len(lines[0]) == 8


def _failed_after(judged, candidate, calibration, trained):
    measure_trust(candidate, judged, calibration, None, trained.classes)
    return {gate.name for gate in judged.failed}


def test_a_trained_network_passes(judged, candidate, calibration, trained):
    assert _failed_after(judged, candidate, calibration, trained) == set()
    assert len(judged.gates) == 3 * 2 * len(MODES)


def test_a_map_that_shows_something_else_fails(judged, candidate, calibration, trained):
    noise = np.random.default_rng(0).random(judged.maps["gradient"].trained.shape)
    judged.maps["gradient"].by_engine["onnx"] = noise.astype(np.float32)
    assert _failed_after(judged, candidate, calibration, trained) == {
        "onnx gradient: top-10% overlap with torch",
        "onnx gradient: Spearman after a change of one level",
    }


def test_a_map_that_does_not_need_the_weights_fails(
    judged, candidate, calibration, trained, monkeypatch
):
    """The check is fooled into taking the trained network for one with random weights."""
    from export.checks import trust_card

    monkeypatch.setattr(trust_card, "reinitialized", lambda network, *_: network)
    assert _failed_after(judged, candidate, calibration, trained) >= {
        f"{engine} cam: Spearman with random weights" for engine in ("onnx", "litert")
    }


def test_limits_out_of_reach_fail(judged, candidate, calibration, trained):
    judged.thresholds = GateThresholds(
        top_overlap=1.01, one_level_spearman=1.01, random_weights_spearman=-1.01
    )
    assert len(_failed_after(judged, candidate, calibration, trained)) == 3 * 2 * len(MODES)


def test_a_card_is_read_as_it_was_written(card):
    for row in card:
        assert SaliencyTrust.from_json(row.to_json()) == row
