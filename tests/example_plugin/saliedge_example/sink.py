"""A sink: a table of labels."""

from __future__ import annotations

import csv

import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import Prediction
from edge_runtime.errors import UsageError
from edge_runtime.files import PendingFile, output_errors, refuse_existing
from edge_runtime.sinks import Sink

__all__ = ["CsvSink"]


class CsvSink(Sink):
    """Writes ``--sink csv=FILE``: whole, or not at all."""

    def __init__(self, argument: str, force: bool) -> None:
        if not argument:
            raise UsageError("Say where the table goes: --sink csv=FILE.")
        refuse_existing(argument, force)
        self._target = argument
        self._pending = PendingFile(argument)
        with output_errors(argument):
            self._stream = self._pending.path.open("x", encoding="utf-8", newline="")
        self._rows = csv.writer(self._stream)
        self._rows.writerow(("source", "frame", "label"))

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        frame = prediction.frame
        with output_errors(self._target):
            self._rows.writerow((frame.source, frame.index, prediction.shown_label))

    def close(self, keep: bool) -> None:
        with output_errors(self._target):
            self._stream.close()
        if keep:
            self._pending.commit()
        else:
            self._pending.discard()
