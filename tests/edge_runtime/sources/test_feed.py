"""The loop never lags behind a camera, loses no frame of a file, and outlives a lost camera."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.errors import SourceError
from edge_runtime.sources import (
    AbsentSource,
    CaptureTime,
    Frame,
    FrameFeed,
    Reconnection,
    Source,
    SourceStatus,
    feed,
)

QUICK = {"first_delay": 0.001, "longest_delay": 0.004}


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


def test_every_frame_of_a_file_arrives():
    source = _Scripted(20)
    feed = FrameFeed(source, threading.Event())
    assert [frame.index for frame in feed] == list(range(20))
    assert feed.dropped == 0
    assert source.closed.is_set()


class _FilmClock(threading.Event):
    """A clock that only waiting moves on, and what was waited."""

    def __init__(self):
        super().__init__()
        self.now, self.waited = 100.0, []

    def wait(self, timeout=None):
        self.waited.append(round(timeout, 6))
        self.now += timeout
        return False


class _Films(Source):
    """Two films of two frames a second, and a picture behind them."""

    name, live = "films", False

    def __iter__(self):
        for index, seconds in ((0, 0.0), (1, 0.5), (2, 1.0), (0, 0.0), (1, 0.5), (0, None)):
            yield replace(_frame(index), video_seconds=seconds)


def test_a_film_that_somebody_looks_at_runs_at_its_own_pace():
    clock = _FilmClock()
    frames = FrameFeed(_Films(), clock, clock=lambda: clock.now, paced=True)
    assert [frame.index for frame in frames] == [0, 1, 2, 0, 1, 0]
    assert clock.waited == [0.5, 0.5, 0.5]


def test_a_loop_slower_than_the_film_waits_for_nothing_and_gets_every_frame():
    clock, indices = _FilmClock(), []
    for frame in FrameFeed(_Films(), clock, clock=lambda: clock.now, paced=True):
        indices.append(frame.index)
        clock.now += 0.8
    assert (indices, clock.waited) == ([0, 1, 2, 0, 1, 0], [])


def test_a_film_that_nobody_looks_at_runs_as_fast_as_it_goes():
    clock = _FilmClock()
    assert len(list(FrameFeed(_Films(), clock, clock=lambda: clock.now))) == 6
    assert clock.waited == []


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


class _Camera:
    """A camera on a loose cable: each time it is opened it does what the script says next.

    `lost` gives two frames and then an error, `stalls` gives two and then nothing more without
    any error, `absent` cannot be opened, `ends` gives two and ends in order. Its clock stands still
    but while it stalls, so that a slow machine is no stall.
    """

    def __init__(self, script):
        self.script = iter(script)
        self.open_handles, self.given_up = 0, threading.Event()
        self.stalls, self.now = False, 0.0

    def open(self):
        self.stalls = False
        step = next(self.script)
        if step == "absent":
            raise SourceError("There is no camera.")
        self.open_handles += 1
        return _Handle(self, step)

    def clock(self):
        self.now += 1000 * self.stalls
        return self.now

    def feed(self, stopping=None, reopen=None):
        reconnection = Reconnection(reopen or self.open, first_delay=0.001, longest_delay=0.004)
        return FrameFeed(self.open(), stopping or threading.Event(), reconnection, clock=self.clock)


class _Handle(Source):
    name, live = "camera", True

    def __init__(self, camera, step):
        self.camera, self.step, self.closed = camera, step, False

    def __iter__(self):
        yield _frame(0)
        yield _frame(1)
        if self.step == "stalls":
            self.camera.stalls = True
            self.camera.given_up.wait(30)
        if self.step != "ends":
            raise SourceError(f"The camera was {self.step}.")

    def close(self):
        if not self.closed:
            self.closed = True
            self.camera.open_handles -= 1


def _states(items):
    return [item.state for item in items if isinstance(item, SourceStatus)]


def test_a_camera_that_is_pulled_away_ten_times_comes_back_ten_times():
    script = ["lost", "stalls", "absent", "absent", "lost", "stalls"] * 3 + ["absent", "ends"]
    camera = _Camera(script)
    feed = camera.feed()
    items = []
    for item in feed:
        items.append(item)
        if isinstance(item, SourceStatus) and item.state == "lost":
            camera.given_up.set()  # a driver that hangs comes round at some time
            camera.given_up = threading.Event()
    assert _states(items) == ["lost", "live"] * 12
    assert feed.status.losses == 12
    assert isinstance(items[-1], Frame)


def test_every_loss_says_why_and_when():
    camera = _Camera(["lost", "ends"])
    feed = camera.feed()
    lost, live = (item for item in feed if isinstance(item, SourceStatus))
    assert (lost.state, lost.reason, lost.source) == ("lost", "The camera was lost.", "camera")
    assert (live.state, live.reason, live.losses) == ("live", "", 1)
    assert lost.since.monotonic <= live.since.monotonic


def test_every_connection_is_closed():
    camera = _Camera(["lost", "lost", "absent", "ends"])
    feed = camera.feed()
    list(feed)
    assert camera.open_handles == 0


@pytest.fixture
def no_patience(monkeypatch):
    """Wait for no thread that hangs in a driver."""
    monkeypatch.setattr(feed, "_JOIN_SECONDS", 0.01)


def test_a_stall_without_an_error_is_a_loss(no_patience):
    camera = _Camera(["stalls"])
    feed = FrameFeed(camera.open(), threading.Event(), clock=camera.clock)
    with pytest.raises(SourceError, match="has given no frame"):
        list(feed)
    camera.given_up.set()


class _Patience(threading.Event):
    """Is set when it has been waited for so many times."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def wait(self, timeout=None):
        self.times -= 1
        if self.times <= 0:
            self.set()
        return super().wait(timeout)


def test_drivers_that_hang_are_not_opened_without_end(no_patience):
    camera, opened = _Camera(["stalls"] * 40), []

    def open_and_count():
        opened.append(None)
        return camera.open()

    list(camera.feed(_Patience(40), open_and_count))
    camera.given_up.set()
    assert len(opened) == 2  # beside the first


def test_a_camera_that_is_not_there_yet_is_waited_for():
    camera = _Camera(["absent", "ends"])
    absent = AbsentSource("camera", SourceError("There is no camera."))
    feed = FrameFeed(absent, threading.Event(), Reconnection(camera.open, **QUICK))
    items = list(feed)
    assert [item.state for item in items[:2]] == ["lost", "live"]
    assert items[0].reason == "There is no camera."


def test_stopping_ends_the_search_for_a_camera():
    stopping = threading.Event()

    def never():
        raise SourceError("There is no camera.")

    feed = FrameFeed(
        AbsentSource("camera", SourceError("gone")), stopping, Reconnection(never, 30.0, 30.0)
    )
    items = []
    for item in feed:
        items.append(item)
        stopping.set()
    assert _states(items) == ["lost"]


@pytest.mark.parametrize(
    ("failures", "delay"), [(0, 0.5), (1, 1.0), (4, 8.0), (5, 15.0), (10_000, 15.0)]
)
def test_the_wait_between_attempts_doubles_up_to_a_bound(failures, delay):
    assert Reconnection(lambda: None).delay(failures) == delay


def test_an_error_that_is_no_loss_reaches_the_loop():
    class Broken(_Handle):
        def __iter__(self):
            raise ZeroDivisionError

    camera = _Camera(["lost"])
    feed = FrameFeed(Broken(camera, "lost"), threading.Event(), Reconnection(camera.open, **QUICK))
    with pytest.raises(ZeroDivisionError):
        list(feed)
