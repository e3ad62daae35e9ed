"""The frames of a source for one loop, which outlives the loss of a camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import Literal

from edge_runtime.errors import SourceError
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.sources.base import CaptureTime, Frame, Source, SourceStatus
from edge_runtime.sources.latest import LatestFrame

__all__ = ["AbsentSource", "FrameFeed", "Reconnection"]

_POLL_SECONDS = 0.1
_JOIN_SECONDS = 3.0
_OPENING_SECONDS = 30.0
_MAX_HUNG_CAPTURES = 3


@dataclass(frozen=True)
class Reconnection:
    """How a live source that was lost is opened again.

    Attributes:
        open: Opens it; called in the thread that will read it.
        first_delay: Seconds before the first attempt; doubled after each that fails.
        longest_delay: Seconds between attempts at most.
    """

    open: Callable[[], Source]
    first_delay: float = 0.5
    longest_delay: float = 15.0

    def __post_init__(self) -> None:
        if not 0 < self.first_delay <= self.longest_delay:
            raise ValueError("the delays must be positive and the longest not below the first")

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after a number of attempts in a row that failed."""
        # 2 ** 60 seconds are beyond any longest delay; the power itself stays a small number.
        return float(min(self.longest_delay, self.first_delay * 2 ** min(failures, 60)))


class AbsentSource(Source):
    """A live source that could not be opened yet: it is lost from the start.

    Args:
        name: Its name in records.
        error: Why it could not be opened.
    """

    live = True

    def __init__(self, name: str, error: SourceError) -> None:
        self.name = name
        self._error = error

    def __iter__(self) -> Iterator[Frame]:
        """Raise the error."""
        raise self._error


class FrameFeed:
    """The frames of a source for one loop: all of a file's, the latest of a camera's.

    A live source is read and closed by a thread of its own; any other in the loop's thread, frame
    by frame as they are wanted.

    Args:
        source: An opened source; the feed closes it.
        stopping: Set by anybody to end the iteration, also while a camera gives nothing.
        reconnection: How a live source is opened again; None to end with its error.
        stall_seconds: A live source that gives nothing for so long counts as lost, even without an
            error (a hung driver, a stream whose sender has gone).
        clock: Seconds that only go forward, for stalls and paces.
        paced: Give the frames of a film at its own pace, for people who look on; a late loop still
            gets every one.

    Attributes:
        capture_seconds: Time that the last frame took to read and decode, or that was waited for
            it.
        status: The latest change of a live source; None before the first.
    """

    def __init__(
        self,
        source: Source,
        stopping: threading.Event,
        reconnection: Reconnection | None = None,
        stall_seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        paced: bool = False,
    ) -> None:
        self._source = source
        self._stopping = stopping
        self._paced = paced
        self._reconnection = reconnection
        self._stall_seconds = stall_seconds
        self._clock = clock
        self._captures: list[_Capture] = []
        self._dropped_before = 0
        self._film_start = clock()
        self.capture_seconds = 0.0
        self.status: SourceStatus | None = None

    @property
    def dropped(self) -> int:
        """Frames of a live source that were never taken."""
        return self._dropped_before + sum(capture.slot.dropped for capture in self._captures)

    @property
    def losses(self) -> int:
        """How often a live source was lost."""
        return 0 if self.status is None else self.status.losses

    @property
    def name(self) -> str:
        """Name of the source."""
        return self._source.name

    @property
    def stopped(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stopping.is_set()

    def __iter__(self) -> Generator[Frame | SourceStatus, None, None]:
        """Yield frames, and the losses and returns of a live source between them.

        Raises:
            SourceError: A source was lost that is not opened again.
            DataError: An image is damaged and nobody asked to skip it.
        """
        items = self._live_items() if self._source.live else self._all_frames()
        try:
            while True:
                start = time.perf_counter()
                item = next(items, None)
                self.capture_seconds = time.perf_counter() - start
                if item is None or self._stopping.is_set():
                    return
                yield item
        finally:
            items.close()
            for capture in self._captures[-1:]:
                capture.join()

    def _all_frames(self) -> Generator[Frame | SourceStatus, None, None]:
        with self._source:
            for frame in self._source:
                yield self._in_time(frame) if self._paced else frame

    def _in_time(self, frame: Frame) -> Frame:
        """Hold a film's frame back until its place in the film has come."""
        if frame.video_seconds is None:
            return frame
        if frame.index == 0:
            self._film_start = self._clock() - frame.video_seconds
        wait = self._film_start + frame.video_seconds - self._clock()
        if wait <= 0 or self._stopping.wait(wait):
            return frame
        return replace(frame, captured_at=CaptureTime.now())

    def _live_items(self) -> Generator[Frame | SourceStatus, None, None]:
        capture: _Capture | None = self._capture(lambda: self._source)
        failures = 0
        while capture is not None:
            try:
                for frame in capture.frames(self._stopping):
                    failures = 0
                    if self._lost:
                        yield self._changed("live", "")
                    yield frame
                return
            except SourceError as error:
                if self._reconnection is None:
                    raise
                if not self._lost:
                    yield self._changed("lost", str(error))
            finally:
                capture.leave()
            capture = self._reconnected(self._reconnection, failures)
            failures += 1

    def _reconnected(self, reconnection: Reconnection, failures: int) -> _Capture | None:
        """Wait and connect anew; None if the feed is told to stop."""
        delay = reconnection.delay(failures)
        while not self._stopping.wait(delay):
            if self._hung_captures() < _MAX_HUNG_CAPTURES:
                return self._capture(reconnection.open)
        return None

    @property
    def _lost(self) -> bool:
        return self.status is not None and self.status.state == "lost"

    def _changed(self, state: Literal["live", "lost"], reason: str) -> SourceStatus:
        losses = self.losses + (state == "lost")
        self.status = SourceStatus(state, self.name, CaptureTime.now(), reason, losses)
        return self.status

    def _capture(self, open_source: Callable[[], Source]) -> _Capture:
        capture = _Capture(self.name, open_source, self._stall_seconds, self._clock)
        self._captures.append(capture)
        return capture

    def _hung_captures(self) -> int:
        """Count the captures that were left and have not ended; forget those that have."""
        ended = [capture for capture in self._captures if not capture.thread.is_alive()]
        self._dropped_before += sum(capture.slot.dropped for capture in ended)
        self._captures = [capture for capture in self._captures if capture not in ended]
        return len(self._captures)


class _Capture:
    """One connection to a live source: a thread that reads it into a slot of its own.

    It has its own slot, so that a thread that wakes from a hung driver after it was given up
    cannot put an old frame before the loop.
    """

    def __init__(
        self,
        name: str,
        open_source: Callable[[], Source],
        stall_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self.slot = LatestFrame()
        self._name = name
        self._stall_seconds = stall_seconds
        self._clock = clock
        self._left = threading.Event()
        self._opened = threading.Event()
        self.thread = threading.Thread(
            target=self._read, args=(open_source,), daemon=True, name="capture"
        )
        self.thread.start()

    def frames(self, stopping: threading.Event) -> Generator[Frame, None, None]:
        """Yield the latest frames until the source ends or ``stopping`` is set.

        Raises:
            SourceError: The source was lost, or gave nothing for too long.
        """
        opened, latest = False, self._clock()
        while not stopping.is_set():
            frame = self.slot.take(min(_POLL_SECONDS, self._stall_seconds))
            if frame is not None:
                yield frame
                latest = self._clock()
            elif self.slot.ended:
                self.slot.take(0)  # raises if the source failed since
                return
            elif not opened and self._opened.is_set():
                opened, latest = True, self._clock()
            else:
                self._refuse_stall(self._clock() - latest, opened)

    def _refuse_stall(self, seconds: float, opened: bool) -> None:
        limit = self._stall_seconds if opened else max(self._stall_seconds, _OPENING_SECONDS)
        if seconds > limit:
            missing = "has given no frame" if opened else "could not be opened"
            raise SourceError(f"{self._name} {missing} for {limit:g} s; check its cable.")

    def leave(self) -> None:
        """Want no more frames; the thread closes the source as soon as its read returns."""
        self._left.set()

    def join(self) -> None:
        """Wait a while for the source to be closed.

        A camera that hangs in its driver is left to the end of the process.
        """
        self.thread.join(_JOIN_SECONDS)

    def _read(self, open_source: Callable[[], Source]) -> None:
        try:
            with open_source() as source:
                self._opened.set()
                for frame in source:
                    if self._left.is_set():
                        break
                    self.slot.put(frame)
        except BaseException as error:
            self.slot.end(error)
        else:
            self.slot.end()
