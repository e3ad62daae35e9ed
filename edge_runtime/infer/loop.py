"""The loop: capture, preprocess, infer, present and write, one frame at a time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import field

import numpy as np
from numpy.typing import NDArray

from edge_runtime.assessment.assessor import Assessor
from edge_runtime.classifier import FrameClassifier, Prediction
from edge_runtime.errors import DataError, SourceError
from edge_runtime.infer.statistics import RunStatistics
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.saliency import draw_heat, heat_of_map, heat_on_frame
from edge_runtime.sinks.base import Sink
from edge_runtime.sources.base import Frame, SourceStatus
from edge_runtime.sources.feed import FrameFeed

__all__ = ["InferenceLoop"]


@dataclass
class InferenceLoop:
    """Classifies the frames of a feed and hands the predictions to sinks.

    Attributes:
        feed: Where the frames come from; closed at the end.
        classifier: What classifies them.
        sinks: Where the predictions go; closed at the end.
        statistics: Figures of the run, to be read at any time.
        assessor: Finds the calm label and how far a prediction is to be trusted.
        max_frames: Frames after which to end; None for all.
    """

    feed: FrameFeed
    classifier: FrameClassifier
    sinks: Sequence[Sink]
    statistics: RunStatistics
    assessor: Assessor = field(default_factory=Assessor)
    max_frames: int | None = None

    def run(self) -> None:
        """Run until the frames end, ``max_frames`` is reached or the feed is told to stop.

        The loss of a live source that is opened again is told to the sinks, and ends nothing.

        What the sinks hold is put in place at such an end, and when the source is lost (the
        recording up to there is good). After any other failure it is discarded.

        Raises:
            DataError: Not a single frame could be read.
            SaliedgeError: What else the source, the classifier or a sink could not do.
        """
        keep = False
        try:
            self._run()
            keep = True
        except SourceError:
            keep = self.statistics.frames > 0
            raise
        finally:
            self._close_sinks(keep)

    def _run(self) -> None:
        with contextlib.closing(iter(self.feed)) as items:
            for item in items:
                if isinstance(item, SourceStatus):
                    for sink in self.sinks:
                        sink.source_changed(item)
                    continue
                self._process(item)
                if self.max_frames is not None and self.statistics.frames >= self.max_frames:
                    return

        if not self.statistics.frames and not self.feed.stopped:
            raise DataError(f"{self.feed.name} gave no readable image; check it.")

    def _process(self, frame: Frame) -> None:
        """Take one frame through all stages and give it back."""
        self.statistics.frame_in_hand()
        prediction = self.classifier.classify(frame)
        prediction.assessment = self.assessor.assess(prediction, self.classifier.bundle)
        timings = prediction.timings_ms
        prediction.timings_ms = {"capture": self.feed.capture_seconds * 1e3, **timings}
        prediction.age_ms = (time.monotonic() - frame.captured_at.monotonic) * 1e3
        picture = self._picture(prediction)
        for sink in self.sinks:
            sink.write(prediction, picture)
        self.statistics.add(prediction)
        frame.release()

    def _picture(self, prediction: Prediction) -> NDArray[np.uint8] | None:
        """Draw the map over the frame if a sink wants it, and note how long that took.

        A frame that has no map of its own is shown without one, since another frame's would lie;
        and so is one whose map says nothing, since noise looks like evidence.
        """
        if not any(sink.wants_picture for sink in self.sinks):
            return None
        image = prediction.frame.image
        if prediction.saliency is None or (prediction.evidence and prediction.evidence.no_signal):
            return image
        start = time.perf_counter()
        heat = heat_on_frame(
            heat_of_map(prediction.saliency), prediction.mapping, (image.shape[0], image.shape[1])
        )
        laid = time.perf_counter()
        picture = draw_heat(image, heat)
        prediction.timings_ms["explain"] += (laid - start) * 1e3
        prediction.timings_ms["present"] = (time.perf_counter() - laid) * 1e3
        return picture

    def _close_sinks(self, keep: bool) -> None:
        """Close every sink even if one fails; the first failure is raised."""
        failures: list[Exception] = []
        for sink in self.sinks:
            try:
                sink.close(keep)
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]
