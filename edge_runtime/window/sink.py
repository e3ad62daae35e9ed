"""A window on the screen of this device, for ``--show``.

The window lives in a process of its own (:mod:`edge_runtime.window.process`): a screen that
hangs or goes away costs the picture on it, never a prediction, and OpenCV for devices has no
windows. Pictures go to it through a pipe, from a thread that knows the latest one only.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import threading

import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import Prediction
from edge_runtime.errors import DependencyError, OutputError
from edge_runtime.sinks.base import Sink
from edge_runtime.sinks.caption import captioned, write_caption
from edge_runtime.sources.base import SourceStatus

__all__ = ["WindowSink"]

_HEADER = struct.Struct("<II")
_SECONDS_TO_END = 2.0


class WindowSink(Sink):
    """Shows each picture with its map and label until the run ends or somebody closes the window.

    Attributes:
        process: The window's.

    Args:
        title: Title of the window.
        stay: Leave the window open after a run that ended by itself, until it is closed: the last
            picture of a video or of a few files would be gone before anybody saw it.
        stopping: What ends the run: set when the window was closed by hand or died; if it is set
            otherwise, the window does not stay.

    Raises:
        DependencyError: This Python has no tkinter.
        OutputError: There is no screen.
    """

    wants_picture = True
    shows_distance = True

    def __init__(self, title: str, stay: bool, stopping: threading.Event) -> None:
        self._stay = stay
        self._stopping = stopping
        self._condition = threading.Condition()
        self._latest: NDArray[np.uint8] | None = None
        self._ended = False
        # A session of its own: Ctrl-C is for the run, which then closes the window.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edge_runtime.window.process", title],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _check_start(self.process)
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True)
            for name, target in (("window", self._send), ("window-closed", self._watch))
        ]
        for thread in self._threads:
            thread.start()

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Show the picture of one frame."""
        if picture is None:
            raise ValueError("a window needs the picture")
        self._show(captioned(picture, prediction))

    def source_changed(self, status: SourceStatus) -> None:
        """Show that the camera was lost, in place of a picture that grows old."""
        if status.state == "lost":
            notice = np.zeros((480, 640, 3), np.uint8)
            write_caption(notice, "camera lost")
            self._show(notice)

    def close(self, keep: bool) -> None:
        """Close the window, or leave it to the person in front of it (see ``stay``)."""
        with self._condition:
            self._ended = True
            self._condition.notify()
        stays = keep and self._stay and not self._stopping.is_set()
        self._threads[0].join(_SECONDS_TO_END)
        if stays and not self._threads[0].is_alive():
            return
        self.process.terminate()
        for thread in self._threads:
            thread.join(_SECONDS_TO_END)
        try:
            self.process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _show(self, picture: NDArray[np.uint8]) -> None:
        with self._condition:
            self._latest = picture
            self._condition.notify()

    def _send(self) -> None:
        """Write the latest picture to the window, again and again; then close the pipe."""
        pipe = self.process.stdin
        assert pipe is not None
        try:
            with pipe:
                while True:
                    with self._condition:
                        self._condition.wait_for(lambda: self._latest is not None or self._ended)
                        picture, self._latest = self._latest, None
                    if picture is None:
                        return
                    height, width = picture.shape[:2]
                    pipe.write(_HEADER.pack(width, height))
                    pipe.write(np.ascontiguousarray(picture).data)
                    pipe.flush()
        except OSError:
            return  # the window is gone, which the other thread tells

    def _watch(self) -> None:
        """Wait until the process of the window ends."""
        assert self.process.stdout is not None
        with self.process.stdout as output:
            output.read()
        with self._condition:
            if not self._ended:
                self._stopping.set()


def _check_start(process: subprocess.Popen[bytes]) -> None:
    """Read the word with which the window's process begins."""
    assert process.stdout is not None
    word = process.stdout.readline().decode(errors="replace").strip()
    if word == "ready":
        return
    process.kill()
    process.communicate()
    if word == "no tkinter":
        raise DependencyError(
            "--show needs tkinter, which this Python lacks; sudo apt-get install python3-tk, or "
            "use --serve."
        )
    reason = f" ({word})" if word else ""
    raise OutputError(
        f"--show found no screen{reason}; run it in the session of the desktop, or use --serve."
    )
