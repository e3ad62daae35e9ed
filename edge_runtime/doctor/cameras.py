"""Cameras: what is connected, whether this user may open it, and the Pi camera's software."""

from __future__ import annotations

from edge_runtime.doctor.finding import Finding
from edge_runtime.doctor.software import probe_import
from edge_runtime.doctor.system import System

__all__ = ["camera_devices", "camera_permission", "pi_camera"]

_CODECS = ("bcm2835-codec", "bcm2835-isp", "rpivid", "pispbe", "rpi-hevc-dec")


def camera_devices(system: System) -> list[Finding]:
    """The V4L2 cameras by name; the Pi's own codecs, which are devices too, are left out."""
    named = []
    for path in system.paths("dev/video*"):
        name = system.read(f"sys/class/video4linux/{path.name}/name") or "unnamed"
        name = "".join(char for char in name if char.isprintable())[:60]
        if not name.startswith(_CODECS):
            named.append(f"/dev/{path.name} ({name})")
    if named:
        return [Finding("cameras", "ok", ", ".join(named[:8]))]
    remedy = "plug in a USB camera, or connect the Pi camera and run `rpicam-hello --list-cameras`"
    return [Finding("cameras", "note", "there is no V4L2 camera", remedy)]


def camera_permission(system: System) -> list[Finding]:
    """Whether this user may read the cameras."""
    devices = system.paths("dev/video*")
    refused = [path.name for path in devices if not system.may_use(path)]
    if not devices or not refused:
        return []
    return [
        Finding(
            "camera permission",
            "problem",
            f"this user may not open /dev/{refused[0]}",
            "sudo usermod -aG video $USER, then log in again",
        )
    ]


def pi_camera(system: System) -> list[Finding]:
    """Picamera2, which only a Raspberry Pi has."""
    if "Raspberry Pi" not in (system.read("proc/device-tree/model") or ""):
        return []
    text, works = probe_import(system, "picamera2", "picamera2")
    if works:
        return [Finding("picamera2", "ok", text)]
    return [
        Finding(
            "picamera2",
            "warning",
            text,
            "sudo apt install python3-picamera2, and make the environment with "
            "`python3 -m venv --system-site-packages`",
        )
    ]
