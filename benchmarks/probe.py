"""The machine-speed probe: a fixed piece of work that tells how fast the machine is just now.

Processes of one configuration differ because the machine does: which processor they are on, what
its other hyperthread and its neighbours compute, how high the clock is. All that a process computes
shares that luck. So every measuring process does one more thing after each frame, outside of all
latencies, that belongs to no product and never changes; what its times say of the machine can be
taken out of the latencies (``benchmarks/comparing/adjustment.py``).

The work is the BLAKE2b digest of a small picture, by code of Python itself, and then to make the
picture smaller, by OpenCV: each 0.2 ms on a workstation, in one thread. The picture fits into the
second cache, so that neither the engine changes the probe much nor the probe the engine. On a
processor whose other hyperthread was busy both together followed the inference closer than either:
what it does to whole numbers in registers and to pixels in memory are two things.
"""

from __future__ import annotations

import platform
from hashlib import blake2b

import cv2
import numpy as np

__all__ = ["PROBE", "MachineProbe"]

_VERSION = 1
_WIDTH, _HEIGHT, _SIDE = 240, 180, 128
_SEED = 3

PROBE = (
    f"{_VERSION}, Python {platform.python_version()}, {platform.python_compiler()}, "
    f"OpenCV {cv2.__version__}"
)
"""Which work it is: times are comparable where this is the same. Another work, another version."""


class MachineProbe:
    """Does the work of :data:`PROBE`, each time on the same bytes."""

    def __init__(self) -> None:
        random = np.random.default_rng(_SEED)
        self._picture = random.integers(0, 256, (_HEIGHT, _WIDTH, 3), np.uint8)
        self._smaller = np.empty((_SIDE, _SIDE, 3), np.uint8)

    def __call__(self) -> bytes:
        """Do it once and return the digest. OpenCV takes one thread for so small a result."""
        digest = blake2b(self._picture.data).digest()
        cv2.resize(self._picture, (_SIDE, _SIDE), dst=self._smaller, interpolation=cv2.INTER_AREA)
        return digest
