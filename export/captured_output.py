"""What engines and converters write to the terminal while an export runs, kept in a file instead.

They write from C++ to file descriptor 2, past ``sys.stderr``, so the descriptor itself is turned.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from edge_runtime.errors import SaliedgeError
from edge_runtime.files import atomic_write_bytes, output_errors

__all__ = ["log_path", "output_kept_in"]

_STDERR = 2


def log_path(bundle_path: Path) -> Path:
    """Where the noise of an export lies: ``NAME.export.log`` beside ``NAME.edge``."""
    return bundle_path.with_name(f"{bundle_path.name.removesuffix('.edge')}.export.log")


@contextlib.contextmanager
def output_kept_in(path: Path) -> Iterator[None]:
    """Within the block, standard error goes to ``path``, which is written at its end.

    An earlier file of that name is replaced, or removed if nothing was written this time. An error
    that leaves the block is told to the terminal as ever, and removes nothing.

    Raises:
        OutputError: the file cannot be written, and the block itself did not fail.
    """
    with tempfile.TemporaryFile() as kept:
        sys.stderr.flush()
        terminal = os.dup(_STDERR)
        os.dup2(kept.fileno(), _STDERR)
        try:
            yield
        except BaseException:
            _turn_back(terminal)
            # The error comes first: a disk that is full for this file, too, must not hide it.
            with contextlib.suppress(SaliedgeError):
                _keep(kept, path)
            raise
        _turn_back(terminal)
        if not _keep(kept, path):
            with output_errors(path):
                path.unlink(missing_ok=True)


def _turn_back(terminal: int) -> None:
    sys.stderr.flush()
    os.dup2(terminal, _STDERR)
    os.close(terminal)


def _keep(kept: IO[bytes], path: Path) -> bool:
    """Write what there was, and tell whether there was anything."""
    kept.seek(0)
    noise = kept.read()
    if noise:
        atomic_write_bytes(path, noise)
    return bool(noise)
