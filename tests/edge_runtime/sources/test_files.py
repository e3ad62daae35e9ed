"""Images and folders of them as a source."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_runtime.errors import DataError
from edge_runtime.sources import open_source


def _picture(path, value=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((20, 30, 3), value, np.uint8))


def test_a_folder_gives_every_image_in_the_order_of_its_path(photos):
    frames = list(open_source(str(photos)))
    assert [frame.source for frame in frames] == ["a-red.png", "b/green.png", "c-blue.png"]
    assert [frame.output_stem for frame in frames] == ["a-red", "b/green", "c-blue"]
    assert all(frame.still and frame.index == 0 for frame in frames)


def test_images_are_rgb(photos):
    red = next(iter(open_source(str(photos / "a-red.png")))).image
    assert red[10, 25].tolist() == [250, 30, 30]


def test_a_single_image_is_called_by_its_name(photos):
    (frame,) = open_source(str(photos / "b" / "green.png"))
    assert frame.source == "green.png"
    assert frame.output_stem == "green"


def test_frames_carry_both_clocks(photos):
    frame = next(iter(open_source(str(photos))))
    assert frame.captured_at.utc.utcoffset().total_seconds() == 0
    assert frame.captured_at.monotonic > 0


def test_videos_in_a_folder_give_their_frames(photos, film):
    film(photos / "b" / "film.mp4", frames=3)
    stems = [frame.output_stem for frame in open_source(str(photos))]
    assert stems[1:4] == ["b/film-000000", "b/film-000001", "b/film-000002"]


def test_a_damaged_image_stops_the_iteration_with_its_path(photos):
    (photos / "b" / "broken.jpg").write_bytes(b"\xff\xd8\xff junk")
    with pytest.raises(DataError, match=r"broken\.jpg"):
        list(open_source(str(photos)))


def test_a_damaged_image_is_handed_to_whoever_wants_to_skip_it(photos):
    (photos / "b" / "broken.jpg").write_bytes(b"\xff\xd8\xff junk")
    (photos / "film.mp4").write_bytes(b"no film")
    bad = []
    frames = list(open_source(str(photos), on_bad=lambda path, error: bad.append(path)))
    assert len(frames) == 3
    assert bad == ["b/broken.jpg", "film.mp4"]


def test_a_folder_without_images_is_one_sentence(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match="holds no images"):
        open_source(str(tmp_path))


def test_a_missing_path_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="nowhere does not exist"):
        open_source(str(tmp_path / "nowhere"))


def test_links_to_folders_are_not_followed(photos):
    (photos / "loop").symlink_to(photos)
    assert len(list(open_source(str(photos)))) == 3


def test_odd_names_are_kept(tmp_path):
    _picture(tmp_path / "ä b" / "x.y.png")
    (frame,) = open_source(str(tmp_path))
    assert frame.output_stem == "ä b/x.y"
