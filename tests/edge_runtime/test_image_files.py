"""Which files of a folder count as images."""

from __future__ import annotations

import pytest

from edge_runtime.errors import DataError
from edge_runtime.image_files import list_images


def _touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_images_are_listed_in_the_order_of_their_paths(tmp_path):
    _touch(tmp_path, "b.JPG", "a/z.png", "a/notes.txt", "c.jpeg", ".hidden.jpg", ".thumbs/x.png")
    names = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path, True)]
    assert names == ["a/z.png", "b.JPG", "c.jpeg"]


def test_subfolders_are_read_only_when_asked(tmp_path):
    _touch(tmp_path, "b.jpg", "a/z.png")
    assert list_images(tmp_path) == [tmp_path / "b.jpg"]


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere is not a folder"):
        list_images(tmp_path / "nowhere")
