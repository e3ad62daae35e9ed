"""The loop between a feed and its sinks."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from edge_runtime import open_bundle
from edge_runtime.assessment.assessor import Assessment
from edge_runtime.errors import SourceError
from edge_runtime.infer.loop import InferenceLoop
from edge_runtime.infer.statistics import RunStatistics
from edge_runtime.sinks import Sink
from edge_runtime.sources import CaptureTime, Frame, FrameFeed, Reconnection, Source
from edge_runtime.sources.frame_pool import FramePool
from tests.edge_runtime.predictions import NO_SIGNAL, prediction


class _Seen(Sink):
    """Notes what it is told."""

    def __init__(self):
        self.told, self.kept = [], None

    def write(self, prediction, picture):
        self.told.append(prediction.frame.index)
        self.prediction, self.picture = prediction, picture

    def source_changed(self, status):
        self.told.append(status.state)

    def close(self, keep):
        self.kept = keep


class _Classifier:
    def __init__(self, bundle, **more):
        self.bundle, self._more = bundle, more

    def classify(self, frame):
        return prediction(
            **self._more,
            frame=frame,
            label="green",
            probabilities={"red": 0.1, "green": 0.8, "blue": 0.1},
            features=np.zeros(3, np.float32),
            timings_ms={"preprocess": 1.0, "infer": 2.0},
        )


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


@pytest.fixture
def loop(tiny_bundle_path):
    """Function that makes a loop of a feed and sinks."""
    bundle = open_bundle(tiny_bundle_path)
    return lambda feed, *sinks: InferenceLoop(feed, _Classifier(bundle), sinks, RunStatistics())


def test_every_sink_learns_that_the_camera_was_lost_and_is_back(loop):
    cameras = iter([_Camera(_frame(1))])
    feed = FrameFeed(
        _Camera(_frame(0), lost=True), threading.Event(), Reconnection(lambda: next(cameras), 0.001)
    )
    first, second = _Seen(), _Seen()
    loop(feed, first, second).run()
    assert first.told == second.told == [0, "lost", "live", 1]
    assert first.kept


def test_a_frame_is_given_back_when_every_sink_has_seen_it(loop):
    pool = FramePool()
    frame = _frame(0, pool)
    loop(FrameFeed(_Camera(frame), threading.Event()), _Seen()).run()
    assert pool.take(2, 2) is frame.image


def test_without_reconnection_a_lost_camera_ends_the_run_with_what_was_recorded(loop):
    seen = _Seen()
    feed = FrameFeed(_Camera(_frame(0), lost=True), threading.Event())
    with pytest.raises(SourceError, match="pulled away"):
        loop(feed, seen).run()
    assert seen.told == [0]
    assert seen.kept


def test_a_prediction_reaches_the_sinks_assessed_and_with_its_age(loop):
    seen = _Seen()
    loop(FrameFeed(_Camera(_frame(0)), threading.Event()), seen).run()
    assert seen.prediction.assessment == Assessment(
        "green", 0.8, uncertain=False, distance=0.0, unfamiliar=False
    )
    assert seen.prediction.age_ms > 0
    assert list(seen.prediction.timings_ms) == ["capture", "preprocess", "infer"]


def test_a_frame_without_a_map_of_its_own_is_shown_without_one(loop):
    seen = _Seen()
    seen.wants_picture = True
    frame = _frame(0)
    loop(FrameFeed(_Camera(frame), threading.Event()), seen).run()
    assert seen.picture is frame.image


def test_a_map_that_says_nothing_is_not_drawn(tiny_bundle_path):
    saliency = np.eye(2, dtype=np.float32)
    silent = _Classifier(
        open_bundle(tiny_bundle_path), saliency=saliency, saliency_class="red", evidence=NO_SIGNAL
    )
    seen = _Seen()
    seen.wants_picture = True
    frame = _frame(0)
    feed = FrameFeed(_Camera(frame), threading.Event())
    InferenceLoop(feed, silent, [seen], RunStatistics()).run()
    assert seen.picture is frame.image
    assert seen.prediction.saliency is saliency
