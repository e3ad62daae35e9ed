"""The loop between a feed and its sinks."""

from __future__ import annotations

import threading

import pytest

from edge_runtime.errors import SourceError
from edge_runtime.loop import InferenceLoop
from edge_runtime.sinks import Sink
from edge_runtime.sources import CaptureTime, Frame, FrameFeed, Reconnection, Source
from edge_runtime.sources.frame_pool import FramePool
from edge_runtime.statistics import RunStatistics
from tests.edge_runtime.predictions import prediction


class _Seen(Sink):
    """Notes what it is told."""

    def __init__(self):
        self.told, self.kept = [], None

    def write(self, prediction, picture):
        self.told.append(prediction.frame.index)

    def source_changed(self, status):
        self.told.append(status.state)

    def close(self, keep):
        self.kept = keep


class _Classifier:
    def classify(self, frame):
        return prediction(frame=frame, timings_ms={"preprocess": 1.0, "infer": 2.0})


class _Camera(Source):
    name, live = "camera", True

    def __init__(self, *frames, lost=False):
        self._frames, self._lost = frames, lost

    def __iter__(self):
        yield from self._frames
        if self._lost:
            raise SourceError("The camera was pulled away.")


def _frame(index, pool=None):
    pool = pool or FramePool()
    return Frame(pool.take(2, 2), "camera", index, CaptureTime.now(), "camera", pool=pool)


def _loop(feed, *sinks):
    return InferenceLoop(feed, _Classifier(), sinks, RunStatistics())


def test_every_sink_learns_that_the_camera_was_lost_and_is_back():
    cameras = iter([_Camera(_frame(1))])
    feed = FrameFeed(
        _Camera(_frame(0), lost=True), threading.Event(), Reconnection(lambda: next(cameras), 0.001)
    )
    first, second = _Seen(), _Seen()
    _loop(feed, first, second).run()
    assert first.told == second.told == [0, "lost", "live", 1]
    assert first.kept


def test_a_frame_is_given_back_when_every_sink_has_seen_it():
    pool = FramePool()
    frame = _frame(0, pool)
    _loop(FrameFeed(_Camera(frame), threading.Event()), _Seen()).run()
    assert pool.take(2, 2) is frame.image


def test_without_reconnection_a_lost_camera_ends_the_run_with_what_was_recorded():
    seen = _Seen()
    feed = FrameFeed(_Camera(_frame(0), lost=True), threading.Event())
    with pytest.raises(SourceError, match="pulled away"):
        _loop(feed, seen).run()
    assert seen.told == [0]
    assert seen.kept
