"""The contract of a sink, and the names of files made from frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import Prediction
from edge_runtime.errors import OutputError
from edge_runtime.sources.base import Frame, SourceStatus

__all__ = ["FrameFiles", "Sink"]


class Sink(ABC):
    """Takes predictions, one after the other.

    Attributes:
        wants_picture: Whether :meth:`write` needs the picture with the saliency map drawn on it.
        shows_distance: Whether it shows how far a picture is from the training images, be it by the
            ``?`` behind the label alone.
    """

    wants_picture = False
    shows_distance = False

    @abstractmethod
    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Take a prediction.

        Args:
            prediction: What is known about a frame. Its frame's image is written over after the
                call: what is to be kept of it is copied.
            picture: uint8 ``[H, W, 3]``, RGB, if ``wants_picture``.

        Raises:
            OutputError: It cannot be written.
        """

    def source_changed(self, status: SourceStatus) -> None:  # noqa: B027  (files have no state)
        """Learn that a live source was lost or has come back; between two frames.

        Raises:
            OutputError: It cannot be written.
        """

    @abstractmethod
    def close(self, keep: bool) -> None:
        """End. Called once, also after a failure.

        Args:
            keep: Put in place what was written; otherwise leave the previous result as it was.
        """


class FrameFiles:
    """Paths of files that are made one for each frame, below a folder.

    The source's relative path is mirrored with another suffix; frames of a video or camera get
    their number: ``a/b.jpg`` -> ``a/b.npy``, frame 123 of ``film.mp4`` -> ``film-000123.npy``.
    """

    def __init__(self, folder: Path, suffix: str) -> None:
        self._folder = folder
        self._suffix = suffix
        self._stills: dict[str, str] = {}

    def path(self, frame: Frame) -> Path:
        """Return the path for a frame.

        Raises:
            OutputError: Another picture of this run has the same path but for its suffix.
        """
        stem = frame.output_stem
        if frame.still:
            other = self._stills.setdefault(stem, frame.source)
            if other != frame.source:
                raise OutputError(
                    f"{other} and {frame.source} would both be written to "
                    f"{self._folder / stem}{self._suffix}; rename one."
                )
        return self._folder / f"{stem}{self._suffix}"
