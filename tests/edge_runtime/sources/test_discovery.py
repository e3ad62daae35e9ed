"""Listing cameras, with a stand-in for the kernel's answers: no device is needed."""

from __future__ import annotations

import errno
import json
import struct
import sys
import types

import pytest

from edge_runtime.sources.discovery import find_pi_cameras, find_v4l2_cameras

QUERYCAP, ENUM_FORMATS = 0x80685600, 0xC0405602
CAPTURE, METADATA, DEVICE_CAPS = 0x1, 0x00800000, 0x80000000


def _kernel(node_capabilities, formats=(b"YUYV", b"MJPG")):
    """Function that answers as linux/videodev2.h lays the answers out."""

    def ioctl(descriptor, request, answer):
        if request == QUERYCAP:
            everything = CAPTURE | METADATA | DEVICE_CAPS
            fields = (b"uvcvideo", b"HD Webcam", b"usb-1.2", 0, everything, node_capabilities)
            answer[:92] = struct.pack("=16s32s32sIII", *fields)
            return
        assert request == ENUM_FORMATS
        index, kind = struct.unpack_from("=II", answer)
        if kind != 1 or index >= len(formats):
            raise OSError(errno.EINVAL, "Invalid argument")
        answer[44:48] = formats[index]

    return ioctl


@pytest.fixture
def devices(tmp_path):
    folder = tmp_path / "dev"
    folder.mkdir()
    for name in ("video10", "video2", "video-extra", "null"):
        (folder / name).touch()
    return folder


def test_a_camera_tells_its_name_driver_and_formats(devices, tmp_path):
    found = find_v4l2_cameras(devices, tmp_path / "none", _kernel(CAPTURE))
    assert [record.specification for record in found] == [
        str(devices / name) for name in ("video2", "video10", "video-extra")
    ]
    assert found[0].to_json() == {
        "specification": str(devices / "video2"),
        "name": "HD Webcam",
        "driver": "uvcvideo",
        "formats": ["YUYV", "MJPG"],
        "problem": "",
    }


def test_a_node_that_captures_no_video_is_no_camera(devices, tmp_path):
    assert find_v4l2_cameras(devices, tmp_path / "none", _kernel(METADATA)) == []


def test_a_device_that_does_not_answer_is_listed_with_the_reason(devices, tmp_path):
    names = tmp_path / "names" / "video2"
    names.mkdir(parents=True)
    (names / "name").write_text("Old Webcam\n")
    found = find_v4l2_cameras(devices, tmp_path / "names")  # a plain file: the real ioctl refuses
    assert (found[0].name, found[0].formats) == ("Old Webcam", ())
    assert "does not answer" in found[0].problem


def test_a_machine_without_cameras_has_none(tmp_path):
    assert find_v4l2_cameras(tmp_path, tmp_path) == []
    assert find_pi_cameras() == []


def test_a_library_that_fails_is_a_finding(monkeypatch):
    def fail():
        raise RuntimeError("no media device")

    module = types.ModuleType("picamera2")
    module.__spec__ = types.SimpleNamespace()
    module.Picamera2 = types.SimpleNamespace(global_camera_info=fail)
    monkeypatch.setitem(sys.modules, "picamera2", module)
    assert "no media device" in find_pi_cameras()[0].problem


def test_the_command_prints_json(saliedge, monkeypatch):
    module = types.ModuleType("picamera2")
    module.__spec__ = types.SimpleNamespace()
    module.Picamera2 = types.SimpleNamespace(global_camera_info=lambda: [{"Model": "imx708"}])
    monkeypatch.setitem(sys.modules, "picamera2", module)
    listed = json.loads(saliedge("cameras", "--json").out)
    assert {"specification": "picamera2:0", "name": "imx708"}.items() <= listed[-1].items()
    assert "imx708" in saliedge("cameras").out
