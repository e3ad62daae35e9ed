"""A network camera on a real socket that goes away, stalls and comes back."""

from __future__ import annotations

import http.server
import threading

import cv2
import numpy as np
import pytest

from edge_runtime.sources import Frame, FrameFeed, Reconnection, SourceStatus, open_source

ENDINGS = ("cut", "stall", "corrupt", "cut", "resize", "stall", "cut", "corrupt", "cut", "stall")


def _jpeg(side):
    noise = np.random.default_rng(side).integers(0, 255, (side, side, 3), np.uint8)
    return cv2.imencode(".jpg", noise)[1].tobytes()


class _NetworkCamera(http.server.BaseHTTPRequestHandler):
    """Motion JPEG over HTTP; how each connection goes wrong is next in the server's script."""

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        ending = next(self.server.script, "cut")
        self.server.connections += 1
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        picture = _jpeg(64)
        for _ in range(12):
            self._part(picture)
        if ending == "corrupt":
            self._part(picture[:100] + b"\xff" * 300)
            self._part(b"")
        elif ending == "resize":
            for _ in range(3):
                self._part(_jpeg(96))
        elif ending == "stall":
            self.server.released.wait(20)

    def _part(self, picture):
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
        try:
            self.wfile.write(head.encode() + picture + b"\r\n")
            self.wfile.flush()
        except OSError:
            self.server.released.set()


@pytest.fixture
def network_camera():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _NetworkCamera) as server:
        server.daemon_threads = True
        server.script, server.connections = iter(ENDINGS), 0
        server.released = threading.Event()
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.released.set()
        server.shutdown()


def test_a_network_camera_is_found_again_ten_times(network_camera):
    url = f"http://127.0.0.1:{network_camera.server_port}/live"
    stopping = threading.Event()
    feed = FrameFeed(
        open_source(url),
        stopping,
        Reconnection(lambda: open_source(url), first_delay=0.01, longest_delay=0.05),
        stall_seconds=0.3,
    )
    states, frames = [], 0
    for item in feed:
        if isinstance(item, SourceStatus):
            states.append(item.state)
        if isinstance(item, Frame):
            frames += 1
            assert item.image.shape in ((64, 64, 3), (96, 96, 3))
            item.release()
        if states.count("live") == 10:
            stopping.set()
    assert states == ["lost", "live"] * 10
    assert frames >= 10
    assert network_camera.connections >= 11
