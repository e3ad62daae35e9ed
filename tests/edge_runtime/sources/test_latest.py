"""The loop never lags behind a camera, and never loses a frame of a file."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from edge_runtime.errors import SourceError
from edge_runtime.sources import CaptureTime, Frame, FrameFeed, LatestFrame, Source


def _frame(index):
    return Frame(np.zeros((2, 2, 3), np.uint8), "test", index, CaptureTime.now(), "test")


class _Scripted(Source):
    """Gives `count` frames; if live, each only when the test allows it."""

    name = "test"

    def __init__(self, count, live=False, error=None):
        self.live, self.count, self.error = live, count, error
        self.all_given, self.closed = threading.Event(), threading.Event()

    def __iter__(self):
        for index in range(self.count):
            yield _frame(index)
        self.all_given.set()
        if self.error:
            raise self.error

    def close(self):
        self.closed.set()


def test_the_slot_keeps_the_newest_frame_and_counts_the_others():
    slot = LatestFrame()
    for index in range(5):
        slot.put(_frame(index))
    assert slot.take(0).index == 4
    assert slot.dropped == 4
    assert slot.take(0) is None


def test_the_last_frame_is_taken_before_the_end_is_told():
    slot = LatestFrame()
    slot.put(_frame(0))
    slot.end(SourceError("lost"))
    assert not slot.ended
    assert slot.take(0).index == 0
    assert slot.ended
    with pytest.raises(SourceError, match="lost"):
        slot.take(0)


def test_every_frame_of_a_file_arrives():
    source = _Scripted(20)
    feed = FrameFeed(source, threading.Event())
    assert [frame.index for frame in feed] == list(range(20))
    assert feed.dropped == 0
    assert source.closed.is_set()


def test_a_slow_loop_sees_the_latest_frame_of_a_camera():
    source = _Scripted(50, live=True)
    feed = FrameFeed(source, threading.Event())
    frames = iter(feed)
    first = next(frames)
    assert source.all_given.wait(5)
    rest = list(frames)
    assert [frame.index for frame in rest] == ([] if first.index == 49 else [49])
    assert feed.dropped == 50 - 1 - len(rest)
    assert source.closed.wait(5)


def test_the_failure_of_a_camera_reaches_the_loop():
    feed = FrameFeed(_Scripted(1, live=True, error=SourceError("cable")), threading.Event())
    with pytest.raises(SourceError, match="cable"):
        list(feed)


def test_a_camera_that_gives_nothing_can_be_stopped():
    stopping, unplugged = threading.Event(), threading.Event()

    class Silent(_Scripted):
        def __iter__(self):
            stopping.set()
            unplugged.wait(10)
            return iter(())

    feed = FrameFeed(Silent(0, live=True), stopping)
    threading.Timer(0.0, unplugged.set).start()
    assert list(feed) == []


def test_stopping_ends_a_file_too():
    stopping = threading.Event()
    source = _Scripted(10)
    seen = []
    for frame in FrameFeed(source, stopping):
        seen.append(frame.index)
        if len(seen) == 3:
            stopping.set()
    assert seen == [0, 1, 2]
    assert source.closed.is_set()


def test_leaving_the_loop_early_closes_the_source():
    source = _Scripted(10)
    frames = iter(FrameFeed(source, threading.Event()))
    next(frames)
    frames.close()
    assert source.closed.is_set()
