"""Predictions as JSON lines, one object for each frame, and what becomes of a camera."""

from __future__ import annotations

import contextlib
import json
import sys
from datetime import datetime
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from edge_runtime import __version__
from edge_runtime.classifier import Prediction
from edge_runtime.files import PendingFile, output_errors, refuse_existing
from edge_runtime.sinks.base import Sink
from edge_runtime.sources.base import SourceStatus

__all__ = ["JsonLinesSink", "prediction_record", "source_record"]


def prediction_record(prediction: Prediction) -> dict[str, Any]:
    """Return the JSON object of a prediction; its keys are an interface and stay.

    ``time_utc`` (ISO 8601, when the frame was taken or read), ``source`` (relative path or URL),
    ``frame`` (number in its source), ``label`` (the top class of this frame), ``probabilities``
    (class -> number, calibrated), ``saliency_class`` (the class that the map explains; null without
    a map), ``timings_ms`` (stage -> number; ``infer`` holds both passes where there is a map),
    ``bundle_sha256`` (identity of the bundle), ``engine`` (its name) and ``version`` (of saliedge);
    then ``age_ms`` (from taking the frame to its prediction) and, of its
    :class:`~edge_runtime.assessment.assessor.Assessment`, null where not known, ``shown_label``
    (the calm label), ``shown_probability`` (its mean over the window), ``uncertain`` (whether that
    is below its operating point), ``distance`` (of the features from the training images) and
    ``unfamiliar`` (whether that is beyond the bundle's threshold); then ``evidence`` (what the map
    says, see :class:`~edge_runtime.evidence.Evidence`; null without a map) with ``box``, ``share``
    and ``no_signal``.
    """
    assessment = prediction.assessment
    return {
        "time_utc": _iso(prediction.frame.captured_at.utc),
        "source": prediction.frame.source,
        "frame": prediction.frame.index,
        "label": prediction.label,
        "probabilities": {
            name: round(value, 6) for name, value in prediction.probabilities.items()
        },
        "saliency_class": prediction.saliency_class,
        "timings_ms": {name: round(value, 3) for name, value in prediction.timings_ms.items()},
        "bundle_sha256": prediction.model.sha256,
        "engine": prediction.model.engine,
        "version": __version__,
        "age_ms": round(prediction.age_ms, 3),
        "shown_label": None if assessment is None else assessment.shown_label,
        "shown_probability": None if assessment is None else _rounded(assessment.shown_probability),
        "uncertain": None if assessment is None else assessment.uncertain,
        "distance": None if assessment is None else _rounded(assessment.distance),
        "unfamiliar": None if assessment is None else assessment.unfamiliar,
        "evidence": None if prediction.evidence is None else prediction.evidence.to_json(),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def source_record(status: SourceStatus) -> dict[str, Any]:
    """Return the JSON object of a live source's loss or return; its keys are an interface and stay.

    ``event`` (``source``; a prediction has no such key), ``state`` (``lost`` or ``live``),
    ``time_utc`` (since when), ``source`` (as in a prediction), ``reason`` (one sentence; empty if
    live) and ``losses`` (so far).
    """
    return {
        "event": "source",
        "state": status.state,
        "time_utc": _iso(status.since.utc),
        "source": status.source,
        "reason": status.reason,
        "losses": status.losses,
    }


class JsonLinesSink(Sink):
    """A file of JSON lines, or standard output for ``-``.

    While it runs the lines go to a hidden file ``.NAME.partial-*`` beside the target, each written
    out at once. It is renamed to the target at the end of the source, on Ctrl-C or SIGTERM, and
    when a camera is lost; after another failure it is removed and the target is as it was before.

    Args:
        target: File, or ``-``.
        force: Replace an earlier file.

    Raises:
        OutputError: The file exists without ``force``, or cannot be written.
    """

    shows_distance = True

    def __init__(self, target: str, force: bool = False) -> None:
        self._target = target
        self._pending: PendingFile | None = None
        self._stream: TextIO = sys.stdout
        if target != "-":
            refuse_existing(target, force)
            self._pending = PendingFile(target)
            with output_errors(target):
                self._stream = self._pending.path.open("x", encoding="utf-8")

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Write one line."""
        self._write(prediction_record(prediction))

    def source_changed(self, status: SourceStatus) -> None:
        """Write one line that has the key ``event``."""
        self._write(source_record(status))

    def _write(self, record: dict[str, Any]) -> None:
        # ASCII, so that a file name that is no valid text cannot spoil the file.
        with output_errors(self._target):
            self._stream.write(json.dumps(record) + "\n")
            self._stream.flush()

    def close(self, keep: bool) -> None:
        """Put the file in place or remove it."""
        if self._pending is None:
            return
        if keep:
            with output_errors(self._target):
                self._stream.close()
            self._pending.commit()
            return
        with contextlib.suppress(OSError):
            self._stream.close()
        self._pending.discard()


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
