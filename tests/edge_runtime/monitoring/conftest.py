"""A run whose progress is served on a free port."""

from __future__ import annotations

import http.client

import pytest

from edge_runtime.monitoring import MonitoringServer, RunProgress


class Clock:
    """A clock that the test sets."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def progress(clock):
    return RunProgress(dropped=lambda: 3, clock=clock)


@pytest.fixture
def server(progress):
    server = MonitoringServer(("127.0.0.1", 0), progress, 10.0, lambda: 51.5)
    yield server
    server.close()


@pytest.fixture
def ask(server):
    """Function that sends a request and returns status, headers and text."""

    def request(path, method="GET", **headers):
        connection = http.client.HTTPConnection(*server.address, timeout=30)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        finally:
            connection.close()

    return request
