"""The sets of packages that devices have, with the versions that were tested together.

The newest versions are not always possible: Debian's picamera2 needs Debian's numpy, OpenCV wheels
from 4.12 on need numpy 2, and tflite-runtime needs numpy 1.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEVICE_SETS", "DeviceSet", "default_device_set"]


@dataclass(frozen=True)
class DeviceSet:
    """An operating system and what the slim install of this project resolves to on it.

    Attributes:
        name: Name of the set.
        suite: Debian release, on which Raspberry Pi OS of the same name is built.
        python: Its Python, ``MAJOR.MINOR``.
        libc: Minor version of its C library 2.x, which says which wheels run.
        debian_packages: What Python and the wheels need from Debian.
        engines: Engines that it has, which are also extras of this distribution.
        requirements: Pinned requirements.
    """

    name: str
    suite: str
    python: str
    libc: int
    debian_packages: tuple[str, ...]
    engines: tuple[str, ...]
    requirements: tuple[str, ...]


_BOOKWORM = ("python3-minimal", "libpython3-stdlib", "python3", "libstdc++6", "zlib1g")
_COMMON = ("click==8.5.1", "pillow==13.0.0")
_ENGINES = ("onnxruntime==1.32.0", "ai-edge-litert==2.3.0")

DEVICE_SETS: dict[str, DeviceSet] = {
    # numpy as in Debian's python3-numpy, which picamera2 is built against.
    "bookworm": DeviceSet(
        name="bookworm",
        suite="bookworm",
        python="3.11",
        libc=36,
        debian_packages=_BOOKWORM,
        engines=("onnx", "litert"),
        requirements=(
            *_COMMON,
            *_ENGINES,
            "numpy==1.24.2",
            "opencv-python-headless==4.11.0.86",
            "ml-dtypes==0.5.4",  # the last for this numpy; LiteRT brings it
        ),
    ),
    "bookworm-tflite-runtime": DeviceSet(
        name="bookworm-tflite-runtime",
        suite="bookworm",
        python="3.11",
        libc=36,
        debian_packages=_BOOKWORM,
        engines=("tflite-runtime",),
        requirements=(
            *_COMMON,
            "tflite-runtime==2.14.0",
            "numpy==1.26.4",
            "opencv-python-headless==4.11.0.86",
        ),
    ),
    "trixie": DeviceSet(
        name="trixie",
        suite="trixie",
        python="3.13",
        libc=41,
        debian_packages=(*_BOOKWORM, "base-files"),
        engines=("onnx", "litert"),
        requirements=(*_COMMON, *_ENGINES, "numpy==2.4.6", "opencv-python-headless==5.0.0.93"),
    ),
}
"""Name -> set."""


def default_device_set(engine: str) -> DeviceSet:
    """Return the newest set that has an engine; ``KeyError`` if none has."""
    for device_set in reversed(DEVICE_SETS.values()):
        if engine in device_set.engines:
            return device_set
    raise KeyError(engine)
