"""The device's disk, kernel and first archive, built once and kept in the cache.

Nothing is mounted: the file system is written by mke2fs out of a folder, under fakeroot, so that
all of it belongs to the device's root whoever builds it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.emulate.cache import cached_folder
from benchmarks.emulate.device_sets import DeviceSet
from benchmarks.emulate.tools import run_tool
from benchmarks.emulate.userland import build_userland
from benchmarks.vm import kernel, system
from benchmarks.vm.tools import require_tools, system_program
from edge_runtime.files import sha256_file

__all__ = ["DeviceImage", "build_image"]

_FREE_BYTES = 512 << 20
_DISK, _INITRD, _KERNEL = "disk.raw", "initrd", "vmlinuz"


@dataclass(frozen=True)
class DeviceImage:
    """What a machine starts from; never written again.

    Attributes:
        folder: Entry of the cache that holds it.
    """

    folder: Path

    @property
    def disk(self) -> Path:
        """The disk: one ext4 file system, raw and sparse."""
        return self.folder / _DISK

    @property
    def kernel(self) -> Path:
        """Debian's kernel."""
        return self.folder / _KERNEL

    @property
    def initrd(self) -> Path:
        """The archive that the kernel unpacks first."""
        return self.folder / _INITRD


def build_image(device_set: DeviceSet, cache: Path) -> DeviceImage:
    """Return a device set's image, built in the cache if it is not there (two minutes).

    Raises:
        DependencyError: A program is missing, or Debian's archive or the package index did not
            give what is needed.
        OutputError: The cache cannot be written.
    """
    require_tools()
    userland = build_userland(device_set, cache)
    recipe = [sha256_file(Path(module)) for module in (__file__, kernel.__file__, system.__file__)]

    def build(folder: Path) -> None:
        root = folder / "root"
        system.fill_root(device_set, userland, root)
        kernel.keep_modules(root)
        shutil.copyfile(kernel.kernel_image(root), folder / _KERNEL)
        kernel.write_initrd(root, folder / _INITRD)
        _write_disk(root, folder / _DISK)
        shutil.rmtree(root)

    key = [userland.folder.name, userland.site.name, recipe]
    return DeviceImage(cached_folder(cache, f"machine-{device_set.name}", key, build))


def _write_disk(root: Path, disk: Path) -> None:
    used = sum(path.lstat().st_blocks * 512 for path in root.rglob("*"))
    kibibytes = (used + _FREE_BYTES) >> 10
    options = ["-q", "-t", "ext4", "-m", "0", "-d", str(root)]
    run_tool(
        ["fakeroot", system_program("mke2fs"), *options, disk, f"{kibibytes}k"],
        "write the device's file system",
    )
