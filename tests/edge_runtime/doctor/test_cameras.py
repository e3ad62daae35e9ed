"""What the doctor says about cameras."""

from __future__ import annotations

from edge_runtime.doctor import cameras

FILES = {
    "dev/video0": "",
    "sys/class/video4linux/video0/name": "UVC Camera\n",
    "dev/video10": "",
    "sys/class/video4linux/video10/name": "bcm2835-codec-decode\n",
}


def test_cameras_are_named_and_codecs_are_left_out(system):
    (finding,) = cameras.camera_devices(system(FILES))
    assert finding.text == "/dev/video0 (UVC Camera)"


def test_no_camera_is_a_note_with_a_remedy(system):
    (finding,) = cameras.camera_devices(system())
    assert finding.status == "note"
    assert "USB camera" in finding.remedy


def test_a_camera_that_may_not_be_opened_is_a_problem(system):
    assert cameras.camera_permission(system(FILES)) == []
    (finding,) = cameras.camera_permission(system(FILES, refused=("video0",)))
    assert finding.status == "problem"
    assert "usermod -aG video" in finding.remedy


def test_picamera2_is_looked_for_on_a_raspberry_pi_only(system):
    assert cameras.pi_camera(system()) == []
    (finding,) = cameras.pi_camera(system({"proc/device-tree/model": "Raspberry Pi 4 Model B"}))
    assert finding.status == "warning"
    assert "python3-picamera2" in finding.remedy
