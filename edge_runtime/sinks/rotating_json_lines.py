"""Predictions as JSON lines in a bounded set of files, for a device that runs for a year."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import Prediction
from edge_runtime.errors import OutputError
from edge_runtime.files import output_errors
from edge_runtime.messages import say
from edge_runtime.sinks.base import Sink
from edge_runtime.sinks.json_lines import prediction_record, source_record
from edge_runtime.sources.base import SourceStatus

__all__ = ["RotatingJsonLinesSink"]

_TAIL_BYTES = 1 << 20


class RotatingJsonLinesSink(Sink):
    """JSON lines in ``NAME``, whose predecessors are ``NAME.1`` (the latest), ``NAME.2``, ...

    A line is written at once and whole. A run goes on where the last one stopped; what a power cut
    left of a line is cut off then. A disk that takes no more costs lines, which are counted and
    told, and not the pictures.

    Args:
        target: The file.
        max_bytes: Size at which a file is put aside; a longer line stands alone.
        keep: How many predecessors are kept; at most ``(keep + 1) * max_bytes`` are used.

    Raises:
        OutputError: The file cannot be written at the start.
    """

    shows_distance = True

    def __init__(self, target: Path, max_bytes: int, keep: int) -> None:
        self.lost = 0
        """Lines that the disk did not take."""
        self._target = target
        self._max_bytes = max_bytes
        self._keep = keep
        self._size = 0
        self._stream: BinaryIO | None = None
        with output_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists() and not target.is_file():
                raise OutputError(f"{target} is no file; give the name of a file.")
            self._open()

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Write one line."""
        self._append(prediction_record(prediction))

    def source_changed(self, status: SourceStatus) -> None:
        """Write one line that has the key ``event``."""
        self._append(source_record(status))

    def close(self, keep: bool) -> None:
        """Wait until the disk has the lines; they stay, however the run ended."""
        if self._stream is not None:
            with contextlib.suppress(OSError):
                os.fsync(self._stream.fileno())
        self._shut()

    def _append(self, record: dict[str, Any]) -> None:
        line = json.dumps(record).encode("ascii") + b"\n"
        try:
            if self._stream is None:
                self._open()
            if self._size and self._size + len(line) > self._max_bytes:
                self._rotate()
            self._write(line)
        except OSError as error:
            if not self.lost:
                say(f"{self._target} takes no lines ({error.strerror}); they are lost.", "warning")
            self.lost += 1
            self._shut()
        else:
            if self.lost:
                say(f"{self._target} takes lines again; {self.lost} were lost.", "warning")
                self.lost = 0

    def _write(self, line: bytes) -> None:
        assert self._stream is not None
        written = self._stream.write(line)
        self._size += written
        if written < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _open(self) -> None:
        """Open the file for appending, behind its last whole line."""
        stream = self._target.open("ab", buffering=0)
        try:
            self._size = _whole_lines(self._target)
            stream.truncate(self._size)
        except BaseException:
            stream.close()
            raise
        self._stream = stream

    def _rotate(self) -> None:
        self._shut()
        for number in range(self._keep, 0, -1):
            newer = self._numbered(number - 1)
            if newer.exists():
                newer.replace(self._numbered(number))
        if not self._keep:
            self._target.unlink()
        self._open()

    def _numbered(self, number: int) -> Path:
        name = f"{self._target.name}.{number}" if number else self._target.name
        return self._target.with_name(name)

    def _shut(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def _whole_lines(path: Path) -> int:
    """Return how many bytes of a file lie before the end of its last whole line."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = max(0, size - _TAIL_BYTES)
        stream.seek(start)
        last = stream.read().rfind(b"\n")
    return start + last + 1 if last >= 0 or start == 0 else size
