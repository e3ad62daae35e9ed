"""Whether this operating system can run an engine, before anything that could crash is imported.

Engines are built for 64-bit ARM and x86 and, on Linux, for the GNU C library. On any other system a
package index answers that there is "no matching distribution", which tells nobody why.
"""

from __future__ import annotations

import os
import struct
import sys

from edge_runtime.errors import DependencyError
from edge_runtime.quick_dataclass import dataclass

__all__ = ["OperatingSystem", "require_supported_system"]

_MACHINES = ("aarch64", "arm64", "x86_64", "AMD64")
# Raspberry Pi 1, Zero and Zero W.
_FIRST_ARM = "armv6l"


@dataclass(frozen=True)
class OperatingSystem:
    """What decides which engines run.

    Attributes:
        machine: Architecture of the kernel, as ``uname -m`` says.
        bits: Width of a pointer of this Python: 32-bit systems run on 64-bit kernels, too.
        libc: C library: ``glibc`` or ``other`` on Linux, empty elsewhere.
    """

    machine: str
    bits: int
    libc: str

    @classmethod
    def here(cls) -> OperatingSystem:
        """Return the one that this process runs on."""
        return cls(os.uname().machine, 8 * struct.calcsize("P"), _libc())

    def why_unsupported(self) -> str | None:
        """Return why no engine runs, with what to do, as a clause without a full stop; or None."""
        if self.machine == _FIRST_ARM:
            return (
                "no engine is built for the 32-bit processor of a Raspberry Pi 1, Zero or Zero W; "
                "take a Zero 2 W, a 3 or a later board, with the 64-bit system"
            )
        if self.bits < 64:
            return (
                f"this operating system is 32-bit (on {self.machine}), for which no engine is "
                "built; install Raspberry Pi OS 64-bit, which a Pi 3, Zero 2 W or later runs"
            )
        if self.machine not in _MACHINES:
            return f"no engine is built for {self.machine}; take a 64-bit ARM or x86 machine"
        if self.libc == "other":
            return (
                "engines need the GNU C library, which this system has not; take Debian, "
                "Raspberry Pi OS or Ubuntu instead of Alpine and its like"
            )
        return None


def require_supported_system(system: OperatingSystem | None = None) -> None:
    """Make sure that an engine can run here.

    Raises:
        DependencyError: None can; it says why, and what to do.
    """
    reason = (system or OperatingSystem.here()).why_unsupported()
    if reason is not None:
        raise DependencyError(f"saliedge cannot work here: {reason}.")


def _libc() -> str:
    if sys.platform != "linux":
        return ""
    try:
        return "glibc" if os.confstr("CS_GNU_LIBC_VERSION") else "other"
    except (OSError, ValueError):
        return "other"
