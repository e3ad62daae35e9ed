"""What --source and --camera accept."""

from __future__ import annotations

import pytest

from edge_runtime.errors import SourceError, UsageError
from edge_runtime.sources import open_camera, open_source
from edge_runtime.sources.synthetic import SyntheticOptions


@pytest.mark.parametrize(
    "word",
    ["webcam", "picamera", "picamera2:", "picamera2:x", "-1", "", "/dev/null", "99999", "0 "],
)
def test_a_camera_that_is_no_specification_is_a_usage_error(word):
    with pytest.raises(UsageError, match=r"a number, /dev/video\* or picamera2"):
        open_camera(word)


@pytest.mark.parametrize("camera", ["987", "/dev/video987"])
def test_a_camera_that_does_not_exist_is_a_source_error(camera):
    with pytest.raises(SourceError, match="There is no camera /dev/video987"):
        open_camera(camera)


@pytest.mark.parametrize("url", ["ftp://host/x.mp4", "file:///etc/passwd", "gopher://x"])
def test_other_urls_are_refused(url):
    with pytest.raises(UsageError, match="use one of: http"):
        open_source(url)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("synthetic:", SyntheticOptions()),
        ("synthetic:?seed=7&width=320&height=240", SyntheticOptions(7, 320, 240)),
        ("synthetic:seed=3", SyntheticOptions(3)),
        ("synthetic:?frames=10&fps=25", SyntheticOptions(frames=10, fps=25)),
    ],
)
def test_the_synthetic_scene_takes_a_query(text, options):
    assert SyntheticOptions.parse(text) == options
    assert SyntheticOptions.parse(str(options)) == options


@pytest.mark.parametrize(
    "text",
    [
        "synthetic:?speed=2",
        "synthetic:?seed=x",
        "synthetic:?seed",
        "synthetic:?width=8",
        "synthetic:?seed=-1",
        "synthetic:7",
        f"synthetic:?seed={2**64}",
    ],
)
def test_a_query_that_is_not_understood_is_a_usage_error(text):
    with pytest.raises(UsageError, match="synthetic:"):
        open_source(text)


def test_the_synthetic_scene_is_the_same_for_the_same_seed():
    def first_frames():
        return [frame.image.tobytes() for frame in open_source("synthetic:?seed=5&frames=3")]

    assert first_frames() == first_frames()


def test_the_synthetic_scene_gives_frames_of_the_asked_size():
    (frame,) = open_source("synthetic:?width=320&height=200&frames=1")
    assert frame.image.shape == (200, 320, 3)
    assert frame.output_stem == "synthetic-000000"
    assert frame.source == "synthetic:?width=320&height=200&frames=1"
