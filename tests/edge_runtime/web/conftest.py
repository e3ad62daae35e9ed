"""A served page, and what a stranger on the network can do to it: a raw connection."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from edge_runtime import open_bundle
from edge_runtime.assessment.assessor import Assessment
from edge_runtime.preprocessing import FrameMapping
from edge_runtime.sources import CaptureTime, Frame, SourceStatus
from edge_runtime.web import LiveView, PageServer, ServeAddress, ServeOptions
from tests.edge_runtime.predictions import prediction
from tests.requirements import require_module


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""

    @property
    def moment(self):
        """The JSON of `/live`."""
        length = int.from_bytes(self.body[:4], "big")
        return json.loads(self.body[4 : 4 + length])

    @property
    def payload(self):
        """What follows the JSON of `/live`: the picture, then the map."""
        return self.body[4 + int.from_bytes(self.body[:4], "big") :]


class Visitor:
    """Asks a server, always over its loopback address, in whatever words the test wants."""

    def __init__(self, server):
        self.port = server._listener.getsockname()[1]

    def ask(self, path="/", method="GET", body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers.setdefault("Host", f"127.0.0.1:{self.port}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def live(self, viewer="me", after=0, map_after=0, **headers):
        return self.ask(f"/live?viewer={viewer}&after={after}&map={map_after}", **headers)


def _serving():
    require_module("starlette", "web")
    servers = []

    def start(address="127.0.0.1:0", **options):
        servers.append(PageServer(ServeOptions(ServeAddress.parse(address), **options), LiveView()))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def serve():
    """Function that serves a page until the test ends: serve("127.0.0.1:0", token_file=...)."""
    yield from _serving()


@pytest.fixture(scope="module")
def serve_for_module():
    """As `serve`, until the tests of the file end."""
    yield from _serving()


@pytest.fixture
def spec(tiny_bundle_path):
    return open_bundle(tiny_bundle_path).spec


@pytest.fixture
def publish(spec):
    """Function that shows a frame on a server's page: publish(server, shown_label="green", ...).

    With `age` the frame was taken so many seconds before the test began, however slow the test is.
    """
    began = CaptureTime.now()

    def show(server, size_hw=(48, 64), saliency=None, index=0, age=None, color=(200, 40, 20),
             probabilities=None, evidence=None, **assessment):  # fmt: skip
        taken_at = CaptureTime.now()
        if age is not None:
            taken_at = CaptureTime(began.monotonic - age, began.utc)
        frame = Frame(
            np.full((*size_hw, 3), color, np.uint8),
            "camera",
            index,
            taken_at,
            "x",
        )
        values = {
            "shown_label": "red", "shown_probability": 0.9, "uncertain": False, "distance": 0.1,
            "unfamiliar": False, **assessment,
        }  # fmt: skip
        cells = 1 if saliency is None else saliency.shape[0]
        side = min(size_hw)
        shown = prediction(
            frame=frame,
            label="red",
            probabilities=probabilities or {"red": 0.9, "green": 0.06, "blue": 0.04},
            saliency=saliency,
            saliency_class=None if saliency is None else "red",
            evidence=evidence,
            mapping=FrameMapping(side / cells, side / cells, (size_hw[1] - side) / 2, 0.0),
            timings_ms={"capture": 1.0, "preprocess": 0.5, "infer": 2.0},
            assessment=Assessment(**values),
        )
        server.view.publish(shown, spec, dropped=3)

    return show


@pytest.fixture
def lost():
    """Function that tells a server that its camera is lost, or back."""

    def tell(server, state="lost", reason="The camera gives no frames; check its cable."):
        server.view.source_changed(
            SourceStatus(state, "camera", CaptureTime.now(), reason if state == "lost" else "", 1)
        )

    return tell
