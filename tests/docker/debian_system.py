"""A Debian system for arm64 with dpkg and Python, in which a package can be installed for real.

Its packages are unpacked and not configured; dpkg is told that they are installed, so that it
judges dependencies, and the users and groups of every Debian system are there.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

from benchmarks.emulate.cache import cache_root, cached_folder
from benchmarks.emulate.tools import run_tool

__all__ = ["SYSTEM_PACKAGES", "system_archive"]

SYSTEM_PACKAGES = (
    "base-files", "base-passwd", "coreutils", "dash", "diffutils", "dpkg", "findutils", "grep",
    "libc-bin", "libstdc++6", "passwd", "python3", "sed", "tar", "zlib1g",
)  # fmt: skip


def system_archive(suite: str) -> Path:
    """Return the system's files as an archive, made once."""

    def build(folder: Path) -> None:
        root = folder / "root"
        run_tool(
            ["mmdebstrap", "--mode=chrootless", "--variant=extract", "--architectures=arm64",
             f"--include={','.join(SYSTEM_PACKAGES)}", "--skip=cleanup/apt", suite, root],
            f"unpack Debian {suite} for arm64",
        )  # fmt: skip
        packages = sorted((root / "var/cache/apt/archives").glob("*.deb"))
        (root / "var/lib/dpkg/status").write_text("\n".join(map(_installed, packages)))
        for name in ("passwd", "group"):
            shutil.copy(root / f"usr/share/base-passwd/{name}.master", root / "etc" / name)
        shutil.rmtree(root / "var/cache/apt")
        with tarfile.open(folder / "system.tar", "w") as archive:
            archive.add(root, ".", filter=_owned_by_root)
        shutil.rmtree(root)

    folder = cached_folder(
        cache_root().parent / "containers", f"system-{suite}", [suite, SYSTEM_PACKAGES], build
    )
    return folder / "system.tar"


def _installed(package: Path) -> str:
    """Return dpkg's record of a package as if it were installed."""
    fields = subprocess.run(
        ["dpkg-deb", "--field", package], capture_output=True, text=True, check=True
    ).stdout
    name, rest = fields.split("\n", 1)
    return f"{name}\nStatus: install ok installed\n{rest}"


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    return member
