"""The programs that emulation needs, found or asked for in one sentence."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from edge_runtime.errors import DependencyError

__all__ = ["DEBIAN_PACKAGES", "missing_tools", "pip_command", "require_tools", "run_tool"]

DEBIAN_PACKAGES: Mapping[str, str] = {
    "qemu-aarch64": "qemu-user",
    "mmdebstrap": "mmdebstrap",
    "cc": "gcc",
}
"""Program -> Debian package that installs it (``cc`` comes with libc6-dev beside)."""

_TELLING_LINES = 3


def missing_tools() -> tuple[str, ...]:
    """Return the Debian packages to install, empty if nothing is missing."""
    return tuple(
        package for program, package in DEBIAN_PACKAGES.items() if shutil.which(program) is None
    )


def require_tools() -> None:
    """Make sure that everything is there before any work.

    Raises:
        DependencyError: This is no Linux, or a program or pip is missing; it names what to install.
    """
    if sys.platform != "linux":
        raise DependencyError("Emulation needs Linux; run it in a Debian machine or container.")
    missing = missing_tools()
    if missing:
        if "gcc" in missing:
            missing += ("libc6-dev",)  # not a dependency of gcc, but nothing compiles without it
        raise DependencyError(
            f"Emulation needs programs that are not installed here: sudo apt-get install "
            f"{' '.join(missing)}."
        )
    if find_spec("pip") is None:
        raise DependencyError(
            f"Emulation installs wheels with pip, which {sys.executable} lacks: "
            f"{sys.executable} -m ensurepip."
        )


def pip_command() -> list[str]:
    """Return the command of the pip of this Python."""
    return [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def run_tool(command: Sequence[str | Path], purpose: str) -> str:
    """Run a program and return what it printed.

    Args:
        command: Program and arguments.
        purpose: What it is to do, for the sentence, e.g. ``build the userland``.

    Raises:
        DependencyError: It failed; the sentence ends with the last lines that it printed.
    """
    ended = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if ended.returncode:
        lines = [line.strip() for line in ended.stdout.splitlines() if line.strip()]
        said = " / ".join(lines[-_TELLING_LINES:]) or "it said nothing"
        raise DependencyError(
            f"{Path(str(command[0])).name} could not {purpose} (exit code {ended.returncode}: "
            f"{said}); check the network and the free space, then run this again."
        )
    return ended.stdout
