"""A camera that is pulled out and put back, and one that comes late."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.vm

DRIVER = "/sys/bus/platform/drivers/vivid"
MODULES = ("videobuf2-dma-contig", "videobuf2-vmalloc", "videobuf2-v4l2", "v4l2-dv-timings",
           "v4l2-tpg", "videodev")  # fmt: skip


def _tell_driver(device, file):
    device.agent.check("sh", "-c", f"echo vivid.0 > {DRIVER}/{file}")


@pytest.fixture
def unplugged(device):
    """The device, whose camera was pulled out and seen to be gone; it is put back at the end."""
    device.wait_for_moment("live", lambda moment: moment.record["state"] == "live")
    _tell_driver(device, "unbind")
    yield device
    if device.agent.run("test", "-e", f"{DRIVER}/vivid.0").code:
        _tell_driver(device, "bind")
    device.wait_for_moment("live again", lambda moment: moment.record["state"] == "live")


def _is_lost(moment):
    return moment.record["state"] == "lost"


def test_a_camera_pulled_out_is_shown_as_lost(unplugged):
    moment = unplugged.wait_for_moment("lost", _is_lost)
    assert "/dev/video0" in moment.record["reason"]
    assert "camera lost" in unplugged.state("StatusText")


def test_a_camera_put_back_is_seen_again_by_the_same_process(unplugged):
    before = unplugged.wait_for_moment("lost", _is_lost).record
    process = unplugged.state("MainPID")
    _tell_driver(unplugged, "bind")
    after = unplugged.wait_for_moment("back", lambda moment: not _is_lost(moment)).record
    assert after["losses"] == before["losses"]
    assert after["number"] > before["number"]
    assert unplugged.state("MainPID") == process


def test_what_is_said_of_a_lost_camera_is_one_sentence_in_the_journal(unplugged):
    unplugged.wait_for_moment("lost", _is_lost)
    process = unplugged.state("MainPID")
    journal = unplugged.agent.check("journalctl", f"_PID={process}", "-o", "cat")
    assert "Camera lost: The camera /dev/video0 gives no frames; check its cable." in journal
    assert "WARN" not in journal


def test_a_camera_that_is_plugged_in_after_the_start_is_found(device):
    device.agent.check("systemctl", "stop", "saliedge")
    device.agent.check("rmmod", "vivid")
    device.agent.check("modprobe", "-r", *MODULES)
    # Not even the kernel knows of video devices when the unit's rules for devices are made.
    assert device.agent.run("grep", "video4linux", "/proc/devices").code == 1
    device.agent.check("systemctl", "start", "--no-block", "saliedge")
    device.wait_for_moment("a page without a camera", _is_lost)
    process = device.state("MainPID")
    device.agent.check("modprobe", "vivid")
    device.wait_for_moment("the camera", lambda moment: moment.record["state"] == "live")
    assert device.state("MainPID") == process
