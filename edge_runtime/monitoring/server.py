"""A small HTTP server for ``/metrics`` and ``/healthz``; it reads and writes nothing else."""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from edge_runtime import __version__
from edge_runtime.errors import OutputError, UsageError, reason_of
from edge_runtime.monitoring.metrics import CONTENT_TYPE, exposition
from edge_runtime.monitoring.progress import ProgressSnapshot, RunProgress

__all__ = ["MonitoringServer", "health", "is_local", "parse_address"]

_REQUEST_SECONDS = 5.0
_MOST_REQUESTS = 8


def parse_address(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT``, ``[IPV6]:PORT`` or ``PORT`` (this machine only).

    Raises:
        UsageError: It is none of these.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if colon else "127.0.0.1"
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise UsageError(f"{text!r} is no address; write HOST:PORT, e.g. 127.0.0.1:9464.")
    return host, int(port)


def is_local(host: str) -> bool:
    """Tell whether a host names this machine and nothing that others can reach."""
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def health(state: ProgressSnapshot, stale_seconds: float) -> tuple[bool, dict[str, Any]]:
    """Tell whether a run does what it is there for: classifying frames, now.

    Returns:
        Whether it does, and the JSON object that says so: ``healthy`` (true or false), ``reason``
        (one sentence; empty if healthy), ``frames`` (classified so far), ``since_last_seconds``
        (since the last of them; null before the first), ``camera_up`` (whether the source gives
        frames), ``model`` (SHA-256 of the bundle that classified last) and ``on_trial`` (whether
        the present model has still to prove itself).
    """
    since = state.since_last_seconds
    if not state.camera_up:
        reason = "the camera is lost"
    elif since is None:
        reason = "no frame was classified yet"
    elif since > stale_seconds:
        reason = f"no frame was classified for {since:.0f} s"
    else:
        reason = ""
    record = {
        "healthy": not reason,
        "reason": reason,
        "frames": state.frames,
        "since_last_seconds": None if since is None else round(since, 3),
        "camera_up": state.camera_up,
        "model": None if state.model is None else state.model.sha256,
        "on_trial": state.on_trial,
    }
    return not reason, record


class MonitoringServer:
    """Serves a run's metrics and health from threads of its own until it is closed.

    Args:
        address: Host and port; port 0 takes a free one.
        progress: The run.
        stale_seconds: A run whose last frame is older is not healthy.
        temperature: Tells the board's temperature, degrees Celsius, or None.

    Raises:
        OutputError: The address cannot be had.
    """

    def __init__(
        self,
        address: tuple[str, int],
        progress: RunProgress,
        stale_seconds: float,
        temperature: Callable[[], float | None],
    ) -> None:
        self._progress = progress
        self._stale_seconds = stale_seconds
        self._temperature = temperature
        try:
            self._server = _Server(address, self._answer)
        except (OSError, OverflowError) as error:
            raise OutputError(
                f"The metrics cannot be served at {address[0]}:{address[1]} "
                f"({reason_of(error)}); choose another address."
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are served."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, path: str) -> tuple[int, str, str]:
        """Return status, content type and text for a path."""
        if path == "/metrics":
            return 200, CONTENT_TYPE, exposition(self._progress.snapshot(), self._temperature())
        if path == "/healthz":
            healthy, record = health(self._progress.snapshot(), self._stale_seconds)
            return (200 if healthy else 503), "application/json", json.dumps(record) + "\n"
        return 404, "text/plain; charset=utf-8", "There is /metrics and /healthz.\n"


class _Server(ThreadingHTTPServer):
    """A server that answers a bounded number of requests at once and refuses the rest."""

    daemon_threads = True
    request_queue_size = _MOST_REQUESTS

    def __init__(
        self, address: tuple[str, int], answer: Callable[[str], tuple[int, str, str]]
    ) -> None:
        self.answer = answer
        self._slots = threading.BoundedSemaphore(_MOST_REQUESTS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)
        self.local_only = is_local(address[0])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread if one is free."""
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._slots.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and free the thread's place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away or send nonsense."""


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD; every other method is refused."""

    server: _Server
    timeout = _REQUEST_SECONDS
    server_version = f"saliedge/{__version__}"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with the text."""
        self._respond(with_text=True)

    def do_HEAD(self) -> None:
        """Answer without the text."""
        self._respond(with_text=False)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing: a scrape every few seconds is no news."""

    def _respond(self, with_text: bool) -> None:
        if self.server.local_only and not is_local(_host_name(self.headers.get("Host", ""))):
            # A page of another site whose name was made to point here (DNS rebinding).
            status, kind, text = 421, "text/plain; charset=utf-8", "Not served under this name.\n"
        else:
            status, kind, text = self.server.answer(self.path.partition("?")[0])
        data = text.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if with_text:
            self.wfile.write(data)


def _host_name(header: str) -> str:
    """Return the name in a Host header without its port."""
    if header.startswith("["):
        return header.partition("]")[0].removeprefix("[")
    return header.partition(":")[0]
