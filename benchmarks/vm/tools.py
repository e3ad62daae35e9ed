"""The programs that the virtual machine needs, found or asked for in one sentence."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from benchmarks.emulate.tools import DEBIAN_PACKAGES as EMULATION_PACKAGES
from edge_runtime.errors import DependencyError

__all__ = ["DEBIAN_PACKAGES", "find_program", "require_tools", "system_program"]

DEBIAN_PACKAGES: Mapping[str, str] = {
    "cpio": "cpio",
    "debugfs": "e2fsprogs",
    "depmod": "kmod",
    "fakeroot": "fakeroot",
    "mke2fs": "e2fsprogs",
    "mmdebstrap": EMULATION_PACKAGES["mmdebstrap"],
    "qemu-aarch64": EMULATION_PACKAGES["qemu-aarch64"],
    "qemu-img": "qemu-utils",
    "qemu-system-aarch64": "qemu-system-arm",
}
"""Program -> Debian package that installs it."""


def find_program(name: str) -> str | None:
    """Return the path of a program, also of one that Debian keeps from an ordinary user's PATH."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    return shutil.which(name, path=path)


def system_program(name: str) -> Path:
    """Return the path of a program.

    Raises:
        DependencyError: It is not installed; the sentence names the Debian package.
    """
    found = find_program(name)
    if found is None:
        raise DependencyError(
            f"The virtual machine needs {name}: sudo apt-get install {DEBIAN_PACKAGES[name]}."
        )
    return Path(found)


def require_tools() -> None:
    """Make sure that everything is there before any work.

    Raises:
        DependencyError: A program is missing.
    """
    for name in DEBIAN_PACKAGES:
        system_program(name)
