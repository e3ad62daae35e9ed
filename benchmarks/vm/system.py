"""The device's root file system, as a folder: Debian, Python, the aarch64 wheels, a camera.

It is what `docs/device.md` starts from: an empty environment in /opt/saliedge, with everything that
`pip install 'saliedge[...]'` would fetch but saliedge itself.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.emulate.device_sets import DeviceSet
from benchmarks.emulate.emulator import run_python
from benchmarks.emulate.processors import PROCESSORS
from benchmarks.emulate.userland import Userland, install_wheels, unpack_debian

__all__ = ["ENVIRONMENT", "GUEST_ADDRESS", "NETWORK", "fill_root"]

ENVIRONMENT = "opt/saliedge"
"""Where saliedge is installed, below the root."""
NETWORK = "10.0.2.0/24"
"""The network between the machine and its host, qemu's own."""
GUEST_ADDRESS = "10.0.2.15"

_PACKAGES = (
    "base-files",
    "base-passwd",
    "bash",
    "busybox-static",
    "coreutils",
    "dash",
    "findutils",
    "grep",
    "hostname",
    "kmod",
    "libnss-systemd",
    "linux-image-arm64",
    "mount",
    "procps",
    "qemu-guest-agent",
    "sed",
    "systemd",
    "systemd-sysv",
    "udev",
    "util-linux",
)
# What the live page needs, and pip itself.
_REQUIREMENTS = ("starlette==1.10.0", "uvicorn==0.54.0", "anyio==4.16.0", "pip==25.3")
_UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/cache/apt")
_MERGED_USR = "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"
_MASKED = ("getty.target", "systemd-logind.service", "systemd-binfmt.service")
_SYSTEMD = "etc/systemd/system"

_FILES = {
    "etc/fstab": "/dev/vda / ext4 defaults 0 0\n",
    "etc/hostname": "device\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 device\n",
    "etc/nsswitch.conf": "passwd: files systemd\ngroup: files systemd\nhosts: files\n",
    "etc/resolv.conf": "",
    # Known from the start, so that systemd takes no boot for the first.
    "etc/machine-id": "5a11ed6e5a11ed6e5a11ed6e5a11ed6e\n",
    "etc/modules-load.d/camera.conf": "vivid\n",
    # One camera and nothing else: a node that captures, whose only input is a webcam.
    "etc/modprobe.d/camera.conf": (
        "options vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x0 vid_cap_nr=0\n"
    ),
    "etc/systemd/network/wired.network": (
        f"[Match]\nName=e*\n\n[Network]\nAddress={GUEST_ADDRESS}/24\nGateway=10.0.2.2\n"
    ),
    # In memory alone: a disk whose power is cut is looked at for saliedge's files.
    "etc/systemd/journald.conf.d/volatile.conf": "[Journal]\nStorage=volatile\n",
    f"{ENVIRONMENT}/pyvenv.cfg": (
        "home = /usr/bin\ninclude-system-site-packages = false\nexecutable = /usr/bin/python3\n"
    ),
}


def fill_root(device_set: DeviceSet, userland: Userland, root: Path) -> None:
    """Fill an empty folder with the device's files.

    Args:
        device_set: Debian release and wheels.
        userland: The set's userland, whose wheels are taken and whose Python compiles them.
        root: The folder.

    Raises:
        DependencyError: Debian's archive or the package index did not give what is needed.
    """
    packages = dict.fromkeys((*_PACKAGES, *device_set.debian_packages))
    unpack_debian(device_set.suite, tuple(packages), root, _MERGED_USR)
    for path in _UNUSED:
        shutil.rmtree(root / path, ignore_errors=True)
    _configure(root)
    site = root / ENVIRONMENT / f"lib/python{device_set.python}/site-packages"
    shutil.copytree(userland.site, site, ignore=shutil.ignore_patterns("__pycache__", "bin"))
    install_wheels(device_set, list(_REQUIREMENTS), site)
    shutil.rmtree(site / "bin", ignore_errors=True)
    _link_python(root / ENVIRONMENT / "bin", device_set.python)
    (root / "usr/local/bin").mkdir(parents=True, exist_ok=True)
    _compile(userland, root, [site, root / f"usr/lib/python{device_set.python}"])


def _configure(root: Path) -> None:
    """Do what the packages' scripts would have done; the rest systemd does at the first boot."""
    for path, content in _FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")
    for name in ("passwd", "group"):
        shutil.copyfile(root / f"usr/share/base-passwd/{name}.master", root / f"etc/{name}")
    units = root / _SYSTEMD
    (units / "multi-user.target.wants").mkdir(parents=True, exist_ok=True)
    (units / "default.target").symlink_to("/lib/systemd/system/multi-user.target")
    (units / "multi-user.target.wants/systemd-networkd.service").symlink_to(
        "/lib/systemd/system/systemd-networkd.service"
    )
    for unit in _MASKED:
        (units / unit).symlink_to("/dev/null")


def _link_python(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    for name in ("python", "python3", f"python{version}"):
        (folder / name).symlink_to("/usr/bin/python3")


def _compile(userland: Userland, root: Path, folders: list[Path]) -> None:
    """Store the bytecode that installing packages stores on a device.

    Its exit code says nothing: some packages hold templates that look like Python.
    """
    run_python(userland, PROCESSORS["cortex-a72"], ["-m", "compileall", "-q", "-s", root, *folders])
