"""Which cameras this machine has, without opening any for capture."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edge_runtime.quick_dataclass import dataclass

__all__ = ["CameraRecord", "find_cameras", "find_pi_cameras", "find_v4l2_cameras"]

Ioctl = Callable[[int, int, bytearray], object]

# From linux/videodev2.h: _IOR('V', 0, struct v4l2_capability) and so on.
_QUERYCAP, _QUERYCAP_BYTES = 0x80685600, 104
_ENUM_FORMATS, _FORMAT_BYTES = 0xC0405602, 64
_CAPTURE_BUFFER = 1
_VIDEO_CAPTURE = 0x00000001
_HAS_DEVICE_CAPS = 0x80000000
_MAX_FORMATS = 64


@dataclass(frozen=True)
class CameraRecord:
    """A camera that was found.

    Attributes:
        specification: What ``--camera`` takes.
        name: What the driver calls it.
        driver: Driver or library.
        formats: Pixel formats, by their four characters.
        problem: Why it cannot be used, one sentence; empty if it can.
    """

    specification: str
    name: str
    driver: str
    formats: tuple[str, ...]
    problem: str

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with these fields, ``formats`` as a list."""
        return {
            "specification": self.specification,
            "name": self.name,
            "driver": self.driver,
            "formats": list(self.formats),
            "problem": self.problem,
        }


def find_cameras() -> list[CameraRecord]:
    """Return the V4L2 devices that capture video, then the Pi cameras; never raises."""
    return [*find_v4l2_cameras(), *find_pi_cameras()]


def find_v4l2_cameras(
    devices: Path = Path("/dev"),
    classes: Path = Path("/sys/class/video4linux"),
    ioctl: Ioctl = fcntl.ioctl,
) -> list[CameraRecord]:
    """Return the V4L2 devices that capture video.

    Args:
        devices: Folder of the device files ``video*``.
        classes: Folder in which the kernel names them.
        ioctl: Asks a device (``fcntl.ioctl``).
    """
    found = []
    for path in sorted(devices.glob("video*"), key=_by_number):
        record = _ask(path, _kernel_name(classes / path.name), ioctl)
        if record is not None:
            found.append(record)
    return found


def find_pi_cameras() -> list[CameraRecord]:
    """Return the camera modules that Picamera2 knows; none where it is not installed."""
    if find_spec("picamera2") is None:
        return []
    try:
        information = import_module("picamera2").Picamera2.global_camera_info()
    except Exception as error:  # a library of the board, in whatever state it is
        reason = " ".join(str(error).split())[:120]
        return [CameraRecord("picamera2", "", "picamera2", (), f"it cannot be asked ({reason})")]
    return [
        CameraRecord(f"picamera2:{number}", str(entry.get("Model", "")), "picamera2", (), "")
        for number, entry in enumerate(information)
    ]


def _by_number(path: Path) -> tuple[int, str]:
    digits = path.name.removeprefix("video")
    return (int(digits) if digits.isdecimal() else 1 << 30, path.name)


def _kernel_name(folder: Path) -> str:
    try:
        return (folder / "name").read_text(errors="replace").strip()
    except OSError:
        return ""


def _ask(path: Path, name: str, ioctl: Ioctl) -> CameraRecord | None:
    """Return what a device says of itself; None if it captures no video (an encoder, metadata)."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        problem = "this user may not use it: add the user to the group 'video'"
        return CameraRecord(str(path), name, "", (), problem)
    except OSError as error:
        return CameraRecord(str(path), name, "", (), f"it cannot be opened ({error.strerror})")
    try:
        answer = bytearray(_QUERYCAP_BYTES)
        ioctl(descriptor, _QUERYCAP, answer)
        driver, card, capabilities, of_device = _capability(answer)
        if not (of_device if capabilities & _HAS_DEVICE_CAPS else capabilities) & _VIDEO_CAPTURE:
            return None
        return CameraRecord(str(path), card or name, driver, _formats(descriptor, ioctl), "")
    except OSError as error:
        return CameraRecord(str(path), name, "", (), f"it does not answer ({error.strerror})")
    finally:
        os.close(descriptor)


def _capability(answer: bytearray) -> tuple[str, str, int, int]:
    """Read ``struct v4l2_capability``: driver, card, capabilities of all and of this node."""
    driver, card, _, _, capabilities, of_device = struct.unpack_from("=16s32s32sIII", answer)
    return _text(driver), _text(card), capabilities, of_device


def _formats(descriptor: int, ioctl: Ioctl) -> tuple[str, ...]:
    """Ask for the pixel formats one by one (``struct v4l2_fmtdesc``), until there are no more."""
    formats: list[str] = []
    for index in range(_MAX_FORMATS):
        answer = bytearray(struct.pack("=II", index, _CAPTURE_BUFFER).ljust(_FORMAT_BYTES, b"\0"))
        try:
            ioctl(descriptor, _ENUM_FORMATS, answer)
        except OSError:
            break
        code: bytes = struct.unpack_from("=4s", answer, 44)[0]
        formats.append(_text(code))
    return tuple(formats)


def _text(raw: bytes) -> str:
    text = raw.partition(b"\0")[0].decode("ascii", "replace")
    return "".join(char if char.isprintable() else "?" for char in text).strip()
