"""Films and pictures: frames of changing size, names beyond ASCII, and failures to write."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_runtime.errors import OutputError
from edge_runtime.sinks import open_overlay_sink
from edge_runtime.sinks.caption import captioned
from edge_runtime.sources import CaptureTime, SourceStatus
from tests.edge_runtime.predictions import NO_SIGNAL, prediction


def _frames(path):
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        read, frame = capture.read()
        if not read:
            return frames
        frames.append(frame)


def test_a_film_keeps_the_size_of_its_first_frame(tmp_path):
    sink = open_overlay_sink(str(tmp_path / "film.mp4"), fps=10)
    for height, width in ((49, 65), (100, 30), (8, 8)):
        picture = np.full((height, width, 3), 120, np.uint8)
        sink.write(prediction(picture), picture)
    sink.close(keep=True)
    assert [frame.shape for frame in _frames(tmp_path / "film.mp4")] == [(48, 64, 3)] * 3


def test_a_film_is_rgb_as_its_pictures_were(tmp_path):
    sink = open_overlay_sink(str(tmp_path / "film.mp4"), fps=10)
    picture = np.full((64, 96, 3), (200, 40, 20), np.uint8)
    sink.write(prediction(picture), picture)
    sink.close(keep=True)
    blue, _, red = _frames(tmp_path / "film.mp4")[0][40:, 40:].reshape(-1, 3).mean(axis=0)
    assert red > 150 > 80 > blue


def test_a_film_shows_for_a_second_that_the_camera_was_lost(tmp_path):
    sink = open_overlay_sink(str(tmp_path / "film.mp4"), fps=5)
    picture = np.full((48, 64, 3), 200, np.uint8)
    lost = SourceStatus("lost", "camera", CaptureTime.now(), "gone", 1)
    sink.source_changed(lost)  # before the first picture there is no film to show it in
    sink.write(prediction(picture), picture)
    sink.source_changed(lost)
    sink.write(prediction(picture), picture)
    sink.close(keep=True)
    bright = [frame[40:].mean() > 100 for frame in _frames(tmp_path / "film.mp4")]
    assert bright == [True] + [False] * 5 + [True]


def test_a_film_that_is_given_up_leaves_nothing(tmp_path):
    sink = open_overlay_sink(str(tmp_path / "film.mp4"), fps=10)
    picture = np.zeros((32, 32, 3), np.uint8)
    sink.write(prediction(picture), picture)
    sink.close(keep=False)
    assert list(tmp_path.iterdir()) == []


def test_a_film_without_frames_is_no_file(tmp_path):
    open_overlay_sink(str(tmp_path / "film.mp4"), fps=None).close(keep=True)
    assert list(tmp_path.iterdir()) == []


def test_a_film_that_was_cut_short_on_the_disk_is_noticed(tmp_path):
    sink = open_overlay_sink(str(tmp_path / "film.mp4"), fps=10)
    picture = np.zeros((32, 32, 3), np.uint8)
    sink.write(prediction(picture), picture)
    sink._frames += 1
    with pytest.raises(OutputError, match="could not be written whole"):
        sink.close(keep=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["film.avi", "picture.JPG"])
def test_no_folder_is_made_under_the_name_of_a_film_or_a_picture(tmp_path, name):
    with pytest.raises(OutputError, match="named like"):
        open_overlay_sink(str(tmp_path / name), fps=None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("label", ["bbps-0-1", "entzündet", "息肉", "x" * 200, "a\nb", " "])
def test_any_label_can_be_written_on_a_picture(tmp_path, label):
    sink = open_overlay_sink(str(tmp_path / "pictures"), fps=None)
    picture = np.full((60, 80, 3), 120, np.uint8)
    sink.write(prediction(picture, label=label), picture)
    assert cv2.imread(str(tmp_path / "pictures" / "film-000000.jpg")).shape == (60, 80, 3)
    assert (picture == 120).all()


def test_a_map_without_a_signal_is_told_on_the_picture():
    picture = np.full((120, 320, 3), 120, np.uint8)
    plain, told = (
        captioned(picture, prediction(picture, evidence=evidence)) for evidence in (None, NO_SIGNAL)
    )
    assert (told != picture).any(axis=2).sum() > (plain != picture).any(axis=2).sum()


@pytest.mark.parametrize("size_hw", [(1, 1), (2, 300), (300, 2)])
def test_tiny_pictures_are_written_too(tmp_path, size_hw):
    sink = open_overlay_sink(str(tmp_path / "pictures"), fps=None)
    picture = np.full((*size_hw, 3), 120, np.uint8)
    sink.write(prediction(picture), picture)
    assert (tmp_path / "pictures" / "film-000000.jpg").stat().st_size > 0
