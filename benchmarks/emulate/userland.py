"""A device's files on this machine: Debian's Python for arm64, and the aarch64 wheels.

Nothing is mounted, no chroot is entered and no root is needed: packages and wheels are unpacked,
and qemu looks up every path in the userland first.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.emulate.cache import cached_folder
from benchmarks.emulate.device_sets import DeviceSet
from benchmarks.emulate.processors import PROCESSORS, Processor
from benchmarks.emulate.tools import pip_command, run_tool

__all__ = ["Userland", "build_userland", "install_wheels", "unpack_debian"]

_FIRST_LIBC = 17  # older wheels are tagged manylinux2014
_ROOT = "root"
_DEBIAN_FOLDERS = ("bin", "etc", "lib", "lib64", "sbin", "usr")


@dataclass(frozen=True)
class Userland:
    """A device set that can be run.

    Attributes:
        device_set: What is in it.
        folder: Debian's files as each processor sees them.
        site: The wheels.
    """

    device_set: DeviceSet
    folder: Path
    site: Path

    def view(self, processor: Processor) -> Path:
        """Return the folder that is ``/`` for programs on a processor."""
        return self.folder / processor.name

    def interpreter(self, processor: Processor) -> Path:
        """Return Debian's Python, an aarch64 program."""
        return self.view(processor) / f"usr/bin/python{self.device_set.python}"


def build_userland(device_set: DeviceSet, cache: Path) -> Userland:
    """Return a device set's userland, built in the cache if it is not there.

    Raises:
        DependencyError: Debian's archive or the package index did not give what is needed.
        OutputError: The cache cannot be written.
    """
    system_files = {name: processor.system_files() for name, processor in PROCESSORS.items()}
    packages = list(device_set.debian_packages)

    def unpack(folder: Path) -> None:
        unpack_debian(device_set.suite, device_set.debian_packages, folder / _ROOT)
        for name, files in system_files.items():
            (folder / name).mkdir()
            _make_view(folder / _ROOT, folder / name, files)

    folder = cached_folder(
        cache, f"debian-{device_set.suite}", [device_set.suite, packages, system_files], unpack
    )
    requirements = list(device_set.requirements)
    site = cached_folder(
        cache,
        f"wheels-{device_set.name}",
        [device_set.python, device_set.libc, requirements],
        lambda place: install_wheels(device_set, requirements, place),
    )
    return Userland(device_set, folder, site)


def install_wheels(
    device_set: DeviceSet,
    requirements: list[str],
    folder: Path,
    dependencies: bool = True,
    machine: str = "aarch64",
    constraints: Path | None = None,
) -> None:
    """Install wheels for a device set's Python into a folder.

    Args:
        device_set: Whose Python and C library.
        requirements: Requirements or paths of wheels.
        folder: Where they go.
        dependencies: Install what they require, too.
        machine: For which processors, as wheels call them.
        constraints: File of versions to keep to.

    Raises:
        DependencyError: The index has no such wheel, or cannot be reached.
    """
    tags = [f"manylinux_2_{minor}" for minor in range(device_set.libc, _FIRST_LIBC - 1, -1)]
    platforms = [
        word for tag in (*tags, "manylinux2014") for word in ("--platform", f"{tag}_{machine}")
    ]
    run_tool(
        [
            *pip_command(),
            "install",
            "--quiet",
            # Compiled by the userland's own Python, which may be another version.
            "--no-compile",
            *([] if dependencies else ["--no-deps"]),
            *(["--constraint", str(constraints)] if constraints else []),
            "--target",
            folder,
            "--only-binary=:all:",
            "--implementation",
            "cp",
            "--python-version",
            device_set.python,
            *platforms,
            *requirements,
        ],
        f"install the {machine} wheels of {device_set.name}",
    )


def unpack_debian(suite: str, packages: Sequence[str], root: Path, *options: str) -> None:
    """Unpack arm64 packages with all they depend on; none of their scripts runs.

    Args:
        suite: Debian's release.
        packages: By name.
        root: Where to; a new folder.
        options: Further ones of mmdebstrap.

    Raises:
        DependencyError: Debian's archive did not give what is needed.
    """
    run_tool(
        [
            "mmdebstrap",
            # Neither root nor a user namespace: packages are only unpacked.
            "--mode=chrootless",
            "--variant=extract",
            "--architectures=arm64",
            *options,
            f"--include={','.join(packages)}",
            suite,
            root,
        ],
        f"unpack Debian {suite} for arm64",
    )


def _make_view(root: Path, view: Path, system_files: dict[str, str]) -> None:
    """Make Debian's files again, as hard links, and beside them the files about a processor.

    Not symbolic links: programs would follow them out of the emulated tree. Only what Debian's
    packages fill is shown, so that ``/tmp`` and home folders are those of this machine.
    """
    for name in _DEBIAN_FOLDERS:
        if (root / name).is_symlink():
            (view / name).symlink_to((root / name).readlink())
        elif (root / name).is_dir():
            shutil.copytree(root / name, view / name, symlinks=True, copy_function=os.link)
    for path, content in system_files.items():
        (view / path).parent.mkdir(parents=True, exist_ok=True)
        (view / path).write_text(content)
