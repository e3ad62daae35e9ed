"""The line that a terminal sees while the loop runs."""

from __future__ import annotations

import contextlib
import os
import pty
import sys
from types import SimpleNamespace

from edge_runtime.infer import console
from edge_runtime.infer.console import LiveLine
from edge_runtime.infer.statistics import RunStatistics
from edge_runtime.sources import CaptureTime
from edge_runtime.sources.base import SourceStatus
from tests.edge_runtime.predictions import prediction

TIMINGS = {"preprocess": 1.0, "infer": 2.25}


class Terminal:
    """A pseudo-terminal in place of standard error, this many columns wide."""

    def __init__(self, monkeypatch, columns=80):
        self._master, slave = pty.openpty()
        self._stream = os.fdopen(slave, "w")
        monkeypatch.setattr(sys, "stderr", self._stream)
        monkeypatch.setenv("COLUMNS", str(columns))

    def shown(self):
        """What was written until now, and nothing more afterwards."""
        self._stream.close()
        parts = []
        with contextlib.suppress(OSError):  # so it tells that the other end was closed
            while part := os.read(self._master, 1 << 16):
                parts.append(part)
        os.close(self._master)
        return b"".join(parts).decode()


def live_line(dropped=0):
    return LiveLine(RunStatistics(), SimpleNamespace(dropped=dropped))


def lost():
    return SourceStatus("lost", "camera", CaptureTime.now(), "It was unplugged.", 1)


def test_a_terminal_sees_the_prediction_and_what_it_cost(monkeypatch):
    terminal = Terminal(monkeypatch)
    live_line(dropped=3).write(prediction(timings_ms=TIMINGS), None)
    shown = terminal.shown()
    assert shown.startswith("\r\x1b[2Kpolyp 90 %  3.2 ms  0.0 FPS  frame 0  dropped 3  film.mp4")
    assert "\n" not in shown


def test_the_line_is_drawn_a_few_times_a_second_and_the_last_prediction_is_left(monkeypatch):
    terminal, line = Terminal(monkeypatch), live_line()
    for now, label in ((7.0, "first"), (7.1, "second"), (7.25, "third"), (7.3, "fourth")):
        monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda now=now: now))
        line.write(prediction(label=label, timings_ms=TIMINGS), None)
    line.close(keep=True)
    line.close(keep=True)
    drawn = terminal.shown().split("\r\x1b[2K")
    assert [text.partition(" ")[0] for text in drawn] == ["", "first", "third", "fourth"]
    assert drawn[-1].endswith("film.mp4\r\n")


def test_it_never_wraps_and_shows_no_control_character(monkeypatch):
    terminal = Terminal(monkeypatch, columns=20)
    label = "po\x1b[31mlyp\n" + "x" * 50
    live_line().write(prediction(label=label, timings_ms=TIMINGS), None)
    assert terminal.shown() == "\r\x1b[2Kpo?[31mlyp?xxxxxxxx"


def test_what_becomes_of_the_camera_has_lines_of_its_own(monkeypatch):
    terminal, line = Terminal(monkeypatch), live_line()
    line.source_changed(lost())
    line.write(prediction(timings_ms=TIMINGS), None)
    line.source_changed(SourceStatus("live", "camera", CaptureTime.now(), "", 1))
    first, _, *rest = terminal.shown().replace("\r\x1b[2K", "\n").replace("\r\n", "\n").split("\n")
    assert first == "Camera lost: It was unplugged. Looking for it."
    assert [rest[0].partition(" ")[0], *rest[1:]] == ["polyp", "Camera back: camera", ""]


def test_a_file_gets_the_losses_alone(capsys):
    line = live_line()
    line.write(prediction(timings_ms=TIMINGS), None)
    line.source_changed(lost())
    line.close(keep=True)
    assert capsys.readouterr().err == "Camera lost: It was unplugged. Looking for it.\n"
