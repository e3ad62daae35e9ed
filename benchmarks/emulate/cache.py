"""A folder of things that take minutes to build and are the same for everybody.

An entry's name holds a hash of all that it is built from, so an entry is never stale. It is built
under a temporary name and renamed; a lock keeps two processes from building it at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge_runtime.files import output_errors

__all__ = ["cache_root", "cached_folder"]


def cache_root() -> Path:
    """Return ``$XDG_CACHE_HOME/saliedge/arm64``, by default under ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "saliedge" / "arm64"


def cached_folder(root: Path, name: str, key: Any, build: Callable[[Path], None]) -> Path:
    """Return an entry of the cache, built if it is not there.

    Args:
        root: The cache.
        name: What the entry is, for people who look into the cache.
        key: All that it depends on, as a JSON value.
        build: Fills the folder that it is given, which exists and is empty.

    Raises:
        OutputError: The cache cannot be written.
    """
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    entry = root / f"{name}-{digest}"
    if entry.is_dir():
        return entry
    with output_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with (root / f"{entry.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not entry.is_dir():
                temporary = root / f".{entry.name}.partial-{secrets.token_hex(4)}"
                temporary.mkdir()
                try:
                    build(temporary)
                    # Not synchronised to the disk: thousands of files that can be built again.
                    temporary.rename(entry)
                finally:
                    shutil.rmtree(temporary, ignore_errors=True)
    return entry
