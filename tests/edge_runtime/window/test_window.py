"""The window on a real X server: what is on the screen, and who ends whom."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from PIL import ImageGrab, features

from edge_runtime.errors import DependencyError, OutputError
from edge_runtime.sources import CaptureTime, SourceStatus
from edge_runtime.window.sink import WindowSink
from tests.edge_runtime.predictions import prediction
from tests.requirements import require, require_program

RED, BLUE = (200, 30, 20), (20, 30, 200)
_DEADLINE_SECONDS = 30.0


@pytest.fixture(scope="module")
def screen():
    """Name of an X display of its own."""
    server = require_program("Xvfb", "xvfb")
    try:
        import tkinter  # noqa: F401
    except ImportError:
        require("tkinter", False, "apt-get install python3-tk")
    require("Pillow with XCB", features.check_feature("xcb"), "pip install pillow")
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(write_end), "-screen", "0", "800x600x24", "-noreset"],
        pass_fds=[write_end],
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        number = pipe.readline().strip()
    yield f":{number}"
    process.terminate()
    process.wait()


@pytest.fixture
def window(screen, monkeypatch):
    """Function that opens a window on the screen; closed at the end."""
    monkeypatch.setenv("DISPLAY", screen)
    opened: list[WindowSink] = []

    def open_window(stay: bool = False) -> tuple[WindowSink, threading.Event]:
        stopping = threading.Event()
        opened.append(WindowSink("a title", stay, stopping))
        return opened[-1], stopping

    yield open_window
    for sink in opened:
        sink.close(keep=False)


def _show(sink: WindowSink, colour: tuple[int, int, int]) -> None:
    picture = np.full((120, 160, 3), colour, np.uint8)
    sink.write(prediction(picture), picture)


def _middle(screen: str) -> tuple[int, ...]:
    """The colour in the middle of the screen, where there is no caption."""
    grabbed = ImageGrab.grab(xdisplay=screen)
    return tuple(grabbed.getpixel((grabbed.width // 2, grabbed.height // 2)))


def _becomes(wanted: Callable[[], bool]) -> bool:
    """Whether something comes true before the deadline."""
    end = time.monotonic() + _DEADLINE_SECONDS
    while not wanted():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.02)
    return True


def test_it_shows_the_latest_picture_in_its_own_colours(window, screen):
    sink, _ = window()
    _show(sink, RED)
    assert _becomes(lambda: _middle(screen) == RED)
    _show(sink, BLUE)
    assert _becomes(lambda: _middle(screen) == BLUE)


def test_a_lost_camera_takes_the_old_picture_off_the_screen(window, screen):
    sink, _ = window()
    _show(sink, RED)
    assert _becomes(lambda: _middle(screen) == RED)
    sink.source_changed(SourceStatus("lost", "camera", CaptureTime.now(), "gone", 1))
    assert _becomes(lambda: _middle(screen) == (0, 0, 0))


def test_the_end_of_the_run_closes_it(window, screen):
    sink, stopping = window()
    _show(sink, RED)
    assert _becomes(lambda: _middle(screen) == RED)
    sink.close(keep=True)
    assert _becomes(lambda: _middle(screen) != RED)
    assert not stopping.is_set()


def test_it_stays_after_the_last_picture_of_a_film(window, screen):
    sink, _ = window(stay=True)
    _show(sink, RED)
    sink.close(keep=True)
    assert _becomes(lambda: _middle(screen) == RED)
    assert sink.process.poll() is None


def test_a_window_that_goes_away_ends_the_run(window):
    sink, stopping = window()
    _show(sink, RED)
    sink.process.terminate()
    assert stopping.wait(_DEADLINE_SECONDS)
    _show(sink, BLUE)  # a picture that was on its way is no error


def test_ctrl_c_in_the_terminal_is_not_for_it(window):
    sink, _ = window()
    assert os.getpgid(sink.process.pid) != os.getpgid(0)


def test_without_a_screen_it_says_so(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":987")
    with pytest.raises(OutputError, match=r"no screen \(.*:987.*\); .* or use --serve"):
        WindowSink("a title", False, threading.Event())


def test_without_tkinter_it_names_the_package(monkeypatch, tmp_path):
    (tmp_path / "tkinter.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    with pytest.raises(DependencyError, match="apt-get install python3-tk"):
        WindowSink("a title", False, threading.Event())


def test_edge_infer_shows_its_pictures_with_the_map(
    edge_infer, tiny_bundle_path, photos, screen, monkeypatch, window
):
    monkeypatch.setenv("DISPLAY", screen)
    ended = edge_infer("--bundle", tiny_bundle_path, "--source", photos, "--show")
    assert ended.code == 0
    assert _becomes(lambda: _middle(screen) != (0, 0, 0))
