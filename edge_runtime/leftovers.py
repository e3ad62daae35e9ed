"""Temporary names beside a target that tell who writes there, and what dead writers left.

A killed process leaves its hidden temporary file or folder behind. Its name holds the process, so
that the next writer of the same target can clear it away, and never that of a process that lives:
a number of a process alone may be another one's by now, or mean another one in a container that
shares the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from functools import lru_cache
from pathlib import Path

__all__ = ["clear_leftovers", "remove_tree", "temporary_beside"]

_PROC = Path("/proc")
_WRITER = re.compile(r"([0-9a-f]{8})-(\d{1,10})-(\d{1,20})-[0-9a-f]{8}")


def temporary_beside(target: Path) -> Path:
    """Return a new hidden name beside a target, ``.STEM.partial-WRITER.SUFFIX``."""
    writer = _writer(os.getpid())
    token = os.urandom(4).hex()
    name = token if writer is None else f"{writer}-{token}"
    return target.with_name(f"{_prefix(target)}{name}{target.suffix}")


def clear_leftovers(target: Path) -> None:
    """Remove what dead processes of this system left beside a target under temporary names.

    What another machine or container wrote, or nobody knows who, stays; so does what cannot be
    removed.
    """
    prefix = _prefix(target)
    with contextlib.suppress(OSError):
        for path in list(target.parent.iterdir()):
            if path.name.startswith(prefix) and path.name.endswith(target.suffix):
                end = len(path.name) - len(target.suffix)
                if _is_dead(path.name[len(prefix) : end]):
                    _remove(path)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it; what cannot be removed stays."""
    import shutil  # with the libraries of four compressions, for a run that replaces nothing

    shutil.rmtree(folder, ignore_errors=True)


def _prefix(target: Path) -> str:
    return f".{target.stem}.partial-"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _is_dead(name: str) -> bool:
    match = _WRITER.fullmatch(name)
    if match is None or match[1] != _system():
        return False
    return _writer(int(match[2])) != f"{match[1]}-{match[2]}-{match[3]}"


def _writer(process: int) -> str | None:
    """Return system, number and start of a process; None if there is none or it cannot be told."""
    try:
        fields = (_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
        state, started = fields[0], fields[19]
    except (OSError, IndexError):
        return None
    system = _system()
    return None if system is None or state == "Z" else f"{system}-{process}-{started}"


@lru_cache(maxsize=1)
def _system() -> str | None:
    """Return 8 digits for this boot of this machine and the processes that are seen from here."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text()
        seen = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return None
    return hashlib.sha256(f"{boot} {seen}".encode()).hexdigest()[:8]
