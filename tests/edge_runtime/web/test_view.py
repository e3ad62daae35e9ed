"""What the page is told of a moment, and what it costs the loop."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from edge_runtime.web import moments, view
from tests.edge_runtime.predictions import NO_SIGNAL
from tests.edge_runtime.web.conftest import Visitor


@pytest.fixture
def page(serve):
    return serve()


@pytest.fixture
def visitor(page, monkeypatch):
    """A visitor who counts as looking however slow the test is."""
    monkeypatch.setattr(view, "_LOOKING_SECONDS", 3600)
    return Visitor(page)


def _looking(page, visitor, publish):
    """Let a viewer look, so that the next frame's picture is kept; return the number it has."""
    publish(page)
    return visitor.live().moment["number"]


def _decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_before_the_first_frame_the_page_waits(visitor):
    moment = visitor.live().moment
    assert (moment["state"], moment["number"], moment["picture_bytes"]) == ("waiting", 0, 0)


def test_a_moment_tells_all_that_is_known(page, visitor, publish):
    publish(
        page, index=7, age=0.5, shown_label="green", uncertain=True, distance=0.7, unfamiliar=True
    )
    moment = visitor.live().moment
    assert moment["state"] == "live"
    assert (moment["label"], moment["shown_label"]) == ("red", "green")
    assert (moment["uncertain"], moment["unfamiliar"]) == (True, True)
    assert (moment["distance"], moment["distance_limit"]) == (0.7, 0.6)
    assert moment["age_ms"] >= 500
    assert moment["classes"][1] == {"name": "green", "probability": 0.06, "threshold": 0.25}
    assert (moment["bundle"], moment["engine"]) == ("tiny", "onnx")
    assert moment["bundle_sha256"] == "a" * 64
    assert (moment["frame"], moment["size"], moment["dropped"]) == (7, [64, 48], 3)
    assert moment["timings_ms"]["infer"] == 2.0


def test_picture_and_state_belong_together(page, visitor, publish):
    before = _looking(page, visitor, publish)
    publish(page, color=(10, 200, 30), shown_label="green")
    answer = visitor.live(after=before)
    picture = _decoded(answer.payload[: answer.moment["picture_bytes"]])[..., ::-1]
    assert picture.shape == (48, 64, 3)
    assert np.abs(picture.reshape(-1, 3).mean(axis=0) - (10, 200, 30)).max() < 6
    assert answer.moment["shown_label"] == "green"


def test_a_viewer_waits_for_the_next_moment(page, visitor, publish):
    before = _looking(page, visitor, publish)
    threading.Timer(0.05, publish, [page], {"index": 9}).start()
    assert visitor.live(after=before).moment["frame"] == 9


def test_a_picture_that_a_viewer_has_is_not_sent_again(page, visitor, publish):
    number = _looking(page, visitor, publish)
    publish(page)
    number = visitor.live(after=number).moment["number"]
    assert visitor.live(after=number).moment["picture_bytes"] == 0


def test_the_map_is_a_layer_with_its_place_and_class(page, visitor, publish):
    saliency = np.zeros((8, 8), np.float32)
    saliency[2:4, 5:7] = 1
    publish(page, saliency=saliency)
    answer = visitor.live()
    layer = answer.moment["map"]
    assert layer["label"] == "red"
    assert layer["place"] == [0.125, 0.0, 0.875, 1.0]  # the centred square of 64 x 48 pixels
    image = _decoded(answer.payload[answer.moment["picture_bytes"] :])
    assert image.shape[2] == 4
    warmth = image[..., 3]
    rows, columns = np.nonzero(warmth > 200)
    assert (rows.mean() / warmth.shape[0], columns.mean() / warmth.shape[1]) == pytest.approx(
        (3 / 8, 6 / 8), abs=0.03
    )
    points = np.array(layer["outline"][0]).reshape(-1, 2)
    assert np.abs(points.mean(axis=0) - (6 / 8, 3 / 8)).max() < 0.05


def test_a_map_that_says_nothing_replaces_the_last_one_by_nothing(page, visitor, publish):
    publish(page, saliency=np.eye(8, dtype=np.float32))
    before = visitor.live().moment["map"]
    assert before["no_signal"] == ""
    publish(page, saliency=np.eye(8, dtype=np.float32), evidence=NO_SIGNAL)
    answer = visitor.live(map_after=before["number"])
    layer = answer.moment["map"]
    assert (layer["no_signal"], layer["outline"]) == ("the map is all but zero", [])
    assert not _decoded(answer.payload[answer.moment["picture_bytes"] :])[..., 3].any()


def test_a_map_that_a_viewer_has_is_not_sent_again(page, visitor, publish):
    publish(page, saliency=np.eye(8, dtype=np.float32))
    number = visitor.live().moment["map"]["number"]
    again = visitor.live(map_after=number).moment["map"]
    assert (again["number"], again["bytes"]) == (number, 0)


def test_a_map_older_than_a_second_is_old(page, visitor, publish):
    publish(page, saliency=np.eye(8, dtype=np.float32), age=5.0)
    assert not visitor.live().moment["map"]["old"]
    publish(page, age=4.5)
    assert not visitor.live().moment["map"]["old"]
    publish(page, age=3.0)
    layer = visitor.live().moment["map"]
    assert layer["old"]
    assert layer["older_ms"] == pytest.approx(2000)


def test_a_lost_camera_is_told_with_the_reason(page, visitor, publish, lost):
    publish(page)
    lost(page)
    moment = visitor.live().moment
    assert (moment["state"], moment["losses"], moment["fps"]) == ("lost", 1, 0)
    assert "check its cable" in moment["reason"]
    lost(page, "live")
    assert visitor.live().moment["state"] == "live"


def test_while_nobody_looks_nothing_is_copied(page, publish, monkeypatch):
    monkeypatch.setattr(view, "Picture", lambda *arguments: 1 / 0)
    for index in range(3):
        publish(page, index=index)


def test_however_many_look_a_picture_is_encoded_once(page, visitor, publish, monkeypatch):
    encoded = []
    encode = cv2.imencode
    monkeypatch.setattr(moments.cv2, "imencode", lambda *a: encoded.append(a[0]) or encode(*a))
    before = _looking(page, visitor, publish)
    publish(page, saliency=np.eye(8, dtype=np.float32))
    answers = [visitor.live(f"viewer{index}", after=before) for index in range(6)]
    assert len({answer.payload for answer in answers}) == 1
    assert sorted(encoded) == [".jpg", ".png"]


@pytest.mark.parametrize(("size_hw", "shown"), [((1, 1), (1, 1)), ((4320, 7680), (720, 1280))])
def test_pictures_of_any_size_are_shown(page, visitor, publish, size_hw, shown):
    before = _looking(page, visitor, publish)
    publish(page, size_hw=size_hw, saliency=np.ones((3, 3), np.float32))
    answer = visitor.live(after=before)
    assert _decoded(answer.payload[: answer.moment["picture_bytes"]]).shape[:2] == shown
    assert answer.moment["size"] == [size_hw[1], size_hw[0]]


def test_numbers_that_json_does_not_know_are_null(page, visitor, publish):
    publish(page, distance=float("nan"), probabilities={"red": float("inf"), "green": 0.1})
    moment = visitor.live().moment
    assert moment["distance"] is None
    assert moment["classes"][0]["probability"] is None


def test_closing_lets_go_whoever_waits(page, visitor):
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(visitor.live(after=99)))
    waiting.start()
    while not page.view._waiting:
        pass
    page.close()
    waiting.join(10)
    assert answers[0].status == 200
