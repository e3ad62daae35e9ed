"""Debian's kernel as qemu starts it: the image, and an archive in memory that finds the disk."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.emulate.tools import run_tool
from benchmarks.vm.tools import system_program
from edge_runtime.errors import DependencyError

__all__ = ["keep_modules", "kernel_image", "write_initrd"]

# In the order in which they are loaded; what they depend on is loaded before.
_DISK_MODULES = ("virtio_pci", "virtio_mmio", "virtio_blk", "crc32c_generic", "ext4")
_DEVICE_MODULES = ("virtio_net", "virtio_console", "virtio_rng", "rtc_pl031", "vivid")

_INIT = """\
#!/bin/busybox sh
busybox mount -t devtmpfs dev /dev
for module in {modules}; do
    busybox insmod "/modules/$module.ko"
done
busybox mount -t ext4 /dev/vda /root || busybox poweroff -f
busybox mount --move /dev /root/dev
exec busybox switch_root /root /sbin/init
"""


def keep_modules(root: Path) -> None:
    """Remove from a root file system every kernel module that the machine has no device for.

    Raises:
        DependencyError: The kernel lacks a module.
    """
    folder = _module_folder(root)
    _index(root)
    kept = _with_dependencies((*_DISK_MODULES, *_DEVICE_MODULES), _dependencies(folder))
    for path in list((folder / "kernel").rglob("*.ko")):
        if path not in kept:
            path.unlink()
    _index(root)


def kernel_image(root: Path) -> Path:
    """Return the kernel in a root file system."""
    return next((root / "boot").glob("vmlinuz-*"))


def write_initrd(root: Path, target: Path) -> None:
    """Write the archive that the kernel unpacks into memory: busybox, and the disk's modules.

    Args:
        root: Root file system that holds busybox and the modules.
        target: The archive.

    Raises:
        DependencyError: The kernel lacks a module, or cpio is missing or failed.
    """
    place = target.with_suffix(".files")
    for name in ("bin", "dev", "modules", "root"):
        (place / name).mkdir(parents=True)
    shutil.copyfile(root / "usr/bin/busybox", place / "bin/busybox")
    modules = _with_dependencies(_DISK_MODULES, _dependencies(_module_folder(root)))
    for path in modules:
        shutil.copyfile(path, place / "modules" / path.name)
    init = place / "init"
    init.write_text(_INIT.format(modules=" ".join(path.stem for path in modules)))
    for program in (init, place / "bin/busybox"):
        program.chmod(0o755)
    names = sorted(str(path.relative_to(place)) for path in place.rglob("*"))
    with target.open("wb") as archive:
        ended = subprocess.run(
            ["cpio", "--quiet", "--create", "--format=newc", "--owner=0:0", "--reproducible"],
            input="\n".join(names).encode(),
            stdout=archive,
            cwd=place,
            check=False,
        )
    shutil.rmtree(place)
    if ended.returncode:
        raise DependencyError(f"cpio could not write {target}; check the free space.")


def _module_folder(root: Path) -> Path:
    return next(path for path in (root / "usr/lib/modules").iterdir() if path.is_dir())


def _index(root: Path) -> None:
    depmod = system_program("depmod")
    run_tool([depmod, "-b", root / "usr", _module_folder(root).name], "list the kernel's modules")


def _dependencies(folder: Path) -> Mapping[str, tuple[Path, tuple[Path, ...]]]:
    """Return module -> its file and the files of all that it needs, the innermost last."""
    found = {}
    for line in (folder / "modules.dep").read_text().splitlines():
        path, _, needed = line.partition(":")
        name = Path(path).name.partition(".")[0].replace("-", "_")
        found[name] = (folder / path, tuple(folder / word for word in needed.split()))
    return found


def _with_dependencies(
    names: Iterable[str], dependencies: Mapping[str, tuple[Path, tuple[Path, ...]]]
) -> list[Path]:
    """Return the files of modules in an order in which they load; built-in ones have none."""
    ordered: dict[Path, None] = {}
    for name in names:
        if name in dependencies:
            path, needed = dependencies[name]
            ordered |= dict.fromkeys((*reversed(needed), path))
    return list(ordered)
