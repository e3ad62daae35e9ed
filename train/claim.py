"""Holding a place of work, so that two processes do not do the same work at once."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_runtime.files import output_errors

__all__ = ["claimed"]


@contextmanager
def claimed(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold a lock for the time of the block, unless another process holds it.

    The system gives it back when its owner dies, however that happens.

    Yields:
        Whether it is ours; always, with ``wait``.
    """
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
            else:
                yield True
