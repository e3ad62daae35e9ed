"""Run a command as root of a user namespace that can start programs of arm64.

Usage: user_namespace.py COMMAND [ARGUMENT ...]

Since Linux 6.7 each user namespace may have emulators of its own (binfmt_misc), so nothing is
registered on the machine, and all is gone when the command ends, however it ends. Needs root,
because all ids are mapped, and Debian's qemu-user-static, which a container needs no files for.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000
_PRIVATE, _RECURSIVE = 1 << 18, 1 << 14
_EMULATORS = Path("/proc/sys/fs/binfmt_misc")
# The head of an ELF file for AArch64, and which of its bits count. F: opened here, once, so that it
# also works where the emulator cannot be seen.
_HEAD = rb"\x7fELF\x02\x01\x01\x00" + rb"\x00" * 8 + rb"\x02\x00\xb7\x00"
_MASK = rb"\xff" * 7 + rb"\x00" + rb"\xff" * 8 + rb"\xfe\xff\xff\xff"
_EMULATOR = b"/usr/bin/qemu-aarch64-static"
# Not all of them: programs take a namespace that maps every id for the machine's own.
_IDS = "0 0 65536"

_libc = ctypes.CDLL(None, use_errno=True)


def main(command: list[str]) -> int:
    """Run the command and return its exit code."""
    ready, mapped = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        _check(_libc.unshare(_NEW_USER | _NEW_MOUNTS), "unshare")
        os.write(ready[1], b".")
        os.read(mapped[0], 1)
        if os.uname().machine != "aarch64":
            _register_emulator()
        os.execvp(command[0], command)
    os.read(ready[0], 1)
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{child}/{name}").write_text(_IDS)
    os.write(mapped[1], b".")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _register_emulator() -> None:
    _check(_libc.mount(None, b"/", None, _PRIVATE | _RECURSIVE, None), "mount")
    _check(_libc.mount(b"none", bytes(_EMULATORS), b"binfmt_misc", 0, None), "mount binfmt_misc")
    entry = b":aarch64:M::" + _HEAD + b":" + _MASK + b":" + _EMULATOR + b":F"
    (_EMULATORS / "register").write_bytes(entry)


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
