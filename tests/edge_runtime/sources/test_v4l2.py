"""V4L2 cameras with a stand-in for OpenCV's capture: no device is needed."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from edge_runtime.errors import SourceError
from edge_runtime.sources.camera import V4l2Source

DEVICE = "/dev/null"  # a device file that everybody may open
BLUE_BGR = (250, 40, 10)


class _Capture:
    """Answers as OpenCV's V4L2 capture does; `frames` are what it gives, None for a damaged one."""

    formats = ("MJPG", "YUYV")

    def __init__(self, target, backend):
        assert (target, backend) == (DEVICE, cv2.CAP_V4L2)
        self.order, self.released = [], False
        self.values = {cv2.CAP_PROP_FPS: 30.0, cv2.CAP_PROP_POS_MSEC: 0.0}
        self.frames = iter([])

    def isOpened(self):  # noqa: N802
        return not self.released

    def set(self, name, value):
        self.order.append(name)
        known = {cv2.VideoWriter.fourcc(*name) for name in self.formats}
        if name != cv2.CAP_PROP_FOURCC or value in known:
            self.values[name] = value
        return True

    def get(self, name):
        return self.values.get(name, 0.0)

    def grab(self):
        self.frame = next(self.frames, None)
        return self.frame is not None

    def retrieve(self, out):
        return True, self.frame

    def release(self):
        self.released = True


@pytest.fixture
def capture(monkeypatch):
    made = []

    def make(*arguments):
        made.append(_Capture(*arguments))
        return made[-1]

    monkeypatch.setattr(cv2, "VideoCapture", make)
    return made


def _picture():
    return np.full((4, 6, 3), BLUE_BGR, np.uint8)


def test_the_format_is_set_before_the_size_that_depends_on_it(capture):
    V4l2Source(DEVICE, 1280, 720, 30, "MJPG")
    assert capture[0].order == [
        cv2.CAP_PROP_FOURCC,
        cv2.CAP_PROP_FRAME_WIDTH,
        cv2.CAP_PROP_FRAME_HEIGHT,
        cv2.CAP_PROP_FPS,
        cv2.CAP_PROP_BUFFERSIZE,
    ]
    assert capture[0].values[cv2.CAP_PROP_FRAME_WIDTH] == 1280


def test_a_format_that_the_camera_lacks_is_one_sentence_and_gives_it_back(capture):
    with pytest.raises(SourceError, match="does not give the pixel format 'H264'"):
        V4l2Source(DEVICE, pixel_format="H264")
    assert capture[0].released


def test_frames_are_rgb_and_their_memory_goes_round(capture):
    with V4l2Source(DEVICE) as source:
        capture[0].frames = iter([_picture(), _picture()])
        frames = iter(source)
        first = next(frames)
        assert (first.image == BLUE_BGR[::-1]).all()
        assert (first.source, first.output_stem) == (DEVICE, "null-000000")
        first.release()
        assert next(frames).image is first.image
    assert capture[0].released


def test_a_frame_is_as_old_as_the_driver_says(capture):
    source = V4l2Source(DEVICE)
    capture[0].frames = iter([_picture()])
    stamp = time.monotonic() - 0.5
    capture[0].values[cv2.CAP_PROP_POS_MSEC] = stamp * 1e3
    assert next(iter(source)).captured_at.monotonic == pytest.approx(stamp, abs=1e-3)


@pytest.mark.parametrize("stamp_ms", [0.0, 1e3, 1e15, -5.0])
def test_a_stamp_of_another_clock_is_not_believed(capture, stamp_ms):
    source = V4l2Source(DEVICE)
    capture[0].frames = iter([_picture()])
    capture[0].values[cv2.CAP_PROP_POS_MSEC] = stamp_ms
    before = time.monotonic()
    assert before <= next(iter(source)).captured_at.monotonic <= time.monotonic()


def test_a_damaged_frame_is_passed_over_and_a_lost_camera_is_not(capture):
    source = V4l2Source(DEVICE)
    capture[0].frames = iter([_picture(), None, None, _picture()])
    given = []
    with pytest.raises(SourceError, match="check its cable"):
        for frame in source:
            given.append(frame.index)
    assert given == [0, 1]


def test_a_frame_that_changes_its_size_is_given_in_its_new_size(capture):
    source = V4l2Source(DEVICE)
    grey = np.full((8, 2), 9, np.uint8)
    capture[0].frames = iter([_picture(), grey, np.zeros((0, 0, 3), np.uint8), _picture()])
    frames = iter(source)
    assert [next(frames).image.shape for _ in range(3)] == [(4, 6, 3), (8, 2, 3), (4, 6, 3)]


def _rows_in_one(picture, padding=0):
    """A frame as OpenCV 4.11 hands BGR24 over: in one row, a driver's padding included."""
    rows = picture.reshape(picture.shape[0], -1)
    return np.pad(rows, ((0, 0), (0, padding))).reshape(1, -1)


def _gives_raw(capture, pixel_format):
    height, width = _picture().shape[:2]
    capture.values |= {
        cv2.CAP_PROP_FRAME_WIDTH: width,
        cv2.CAP_PROP_FRAME_HEIGHT: height,
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*pixel_format),
    }


@pytest.mark.parametrize("padding", [0, 14])
def test_bgr24_that_opencv_left_in_one_row_is_a_picture_again(capture, padding):
    source = V4l2Source(DEVICE)
    _gives_raw(capture[0], "BGR3")
    picture = _picture()
    picture[1, 2] = (1, 2, 3)
    capture[0].frames = iter([_rows_in_one(picture, padding)] * 2)
    frames = iter(source)
    assert all((next(frames).image == picture[..., ::-1]).all() for _ in range(2))


@pytest.mark.parametrize(("pixel_format", "missing"), [("pBAA", 0), ("BGR3", 1)])
def test_bytes_that_opencv_did_not_convert_never_pass_for_a_picture(capture, pixel_format, missing):
    source = V4l2Source(DEVICE)
    _gives_raw(capture[0], pixel_format)
    raw = _rows_in_one(_picture())
    capture[0].frames = iter([raw[:, : raw.size - missing]])
    with pytest.raises(SourceError, match="--camera-format"):
        next(iter(source))
