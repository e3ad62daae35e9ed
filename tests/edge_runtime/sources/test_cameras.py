"""Cameras: the colour order trap, giving buffers back, and being absent."""

from __future__ import annotations

import sys
import time
import types

import numpy as np
import pytest

from edge_runtime.errors import DependencyError, SourceError, UsageError
from edge_runtime.sources import CameraOptions, open_camera
from edge_runtime.sources.opencv import rgb_from_opencv
from edge_runtime.sources.picamera import PicameraSource, rgb_from_picamera

RED = (250, 40, 10)


def _memory(pixel_format):
    """What Picamera2 puts in memory for a red picture in a format of that name."""
    red, green, blue = RED
    pixel = {
        "BGR888": (red, green, blue),
        "RGB888": (blue, green, red),
        "XBGR8888": (red, green, blue, 255),
        "XRGB8888": (blue, green, red, 255),
    }[pixel_format]
    return np.tile(np.array(pixel, np.uint8), (4, 6, 1))


@pytest.mark.parametrize("pixel_format", ["BGR888", "RGB888", "XBGR8888", "XRGB8888"])
def test_every_format_of_picamera2_becomes_rgb(pixel_format):
    result = rgb_from_picamera(_memory(pixel_format), pixel_format)
    assert result.shape == (4, 6, 3)
    assert (result == RED).all()
    assert result.flags.c_contiguous


def test_another_format_is_refused():
    with pytest.raises(SourceError, match="YUV420"):
        rgb_from_picamera(np.zeros((4, 6, 3), np.uint8), "YUV420")


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1)])
def test_a_grey_camera_becomes_rgb(shape):
    assert rgb_from_opencv(np.full(shape, 9, np.uint8)).shape == (4, 6, 3)


def test_bgr_of_opencv_becomes_rgb():
    assert (rgb_from_opencv(_memory("RGB888")) == RED).all()


class _Request:
    def __init__(self, camera):
        self.camera = camera
        camera.out += 1

    def get_metadata(self):
        return {"SensorTimestamp": time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 40_000_000}

    def make_array(self, name):
        return _memory(self.camera.configuration["main"]["format"])

    def release(self):
        self.camera.out -= 1


class _Picamera2:
    """Stands in for the board's library, with the memory order that it documents."""

    def __init__(self, camera_num):
        self.out, self.state = 0, "made"

    @staticmethod
    def global_camera_info():
        return [{"Model": "imx708"}]

    def create_video_configuration(self, main, controls, queue):
        return {"main": dict(main), "controls": dict(controls)}

    def configure(self, configuration):
        self.configuration = configuration

    def camera_configuration(self):
        return self.configuration

    def start(self):
        self.state = "started"

    def capture_request(self):
        return _Request(self)

    def stop(self):
        self.state = "stopped"

    def close(self):
        self.state = "closed"


@pytest.fixture
def picamera2(monkeypatch):
    module = types.ModuleType("picamera2")
    module.Picamera2 = _Picamera2
    monkeypatch.setitem(sys.modules, "picamera2", module)


def test_a_pi_camera_gives_rgb_and_its_buffers_back(picamera2):
    source = PicameraSource(0)
    frames = iter(source)
    for index in range(3):
        frame = next(frames)
        assert (frame.image == RED).all()
        assert frame.output_stem == f"picamera2-0-00000{index}"
        assert source._camera.out == 0
    source.close()
    assert source._camera.state == "closed"


def test_a_pi_camera_is_configured_as_wanted(picamera2):
    options = CameraOptions((1280, 720), 30, "RGB888")
    with open_camera("picamera2", options) as source:
        configuration = source._camera.configuration
        assert configuration["main"] == {"size": (1280, 720), "format": "RGB888"}
        assert configuration["controls"] == {"FrameRate": 30}
        assert (next(iter(source)).image == RED).all()


def test_a_frame_is_as_old_as_the_sensor_says(picamera2):
    frame = next(iter(PicameraSource(0)))
    assert time.monotonic() - frame.captured_at.monotonic >= 0.04


def test_a_pi_camera_that_cannot_start_is_given_back(picamera2, monkeypatch):
    closed = []
    monkeypatch.setattr(_Picamera2, "start", lambda self: _refuse())
    monkeypatch.setattr(_Picamera2, "close", lambda self: closed.append(self))
    with pytest.raises(SourceError, match="cannot be started"):
        PicameraSource(0)
    assert len(closed) == 1


def _refuse():
    raise RuntimeError("busy")


@pytest.mark.parametrize(
    ("camera", "pixel_format"), [("picamera2", "MJPG"), ("0", "RGB888"), ("/dev/video0", "")]
)
def test_a_pixel_format_of_the_other_kind_is_a_usage_error(camera, pixel_format):
    with pytest.raises(UsageError, match="pixel format"):
        open_camera(camera, CameraOptions(pixel_format=pixel_format))


@pytest.mark.parametrize("options", [{"size_wh": (0, 480)}, {"fps": 0}, {"fps": 1e9}])
def test_impossible_wishes_are_refused(options):
    with pytest.raises(UsageError):
        CameraOptions(**options)


def test_a_pi_camera_that_is_not_there_is_a_source_error(picamera2):
    with pytest.raises(SourceError, match="no Pi camera 1"):
        open_camera("picamera2:1")


def test_without_picamera2_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(DependencyError, match="apt install python3-picamera2"):
        open_camera("picamera2")
