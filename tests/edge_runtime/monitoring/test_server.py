"""The monitoring server from outside: what it answers, and what it refuses."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from edge_runtime.errors import OutputError, UsageError
from edge_runtime.monitoring import MonitoringServer
from edge_runtime.monitoring.server import parse_address
from edge_runtime.sources import CaptureTime
from edge_runtime.sources.base import SourceStatus
from tests.edge_runtime.predictions import prediction


def test_metrics_are_served(ask, progress):
    progress.add(prediction())
    status, headers, text = ask("/metrics")
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "saliedge_frames_total 1\n" in text
    assert "saliedge_temperature_celsius 51.5\n" in text


def test_a_run_is_healthy_while_it_classifies(ask, progress, clock):
    status, _, text = ask("/healthz")
    assert (status, json.loads(text)["reason"]) == (503, "no frame was classified yet")
    progress.add(prediction())
    clock.now += 9
    status, _, text = ask("/healthz")
    assert (status, json.loads(text)["healthy"]) == (200, True)
    clock.now += 2
    status, _, text = ask("/healthz")
    assert (status, json.loads(text)["reason"]) == (503, "no frame was classified for 11 s")


def test_a_run_without_its_camera_is_not_healthy(ask, progress):
    progress.add(prediction())
    progress.source_changed(SourceStatus("lost", "camera", CaptureTime.now(), "", 1))
    status, _, text = ask("/healthz")
    assert (status, json.loads(text)["reason"]) == (503, "the camera is lost")


@pytest.mark.parametrize("path", ["/", "/metrics/", "/etc/passwd", "/%2e%2e/x"])
def test_nothing_else_is_served(ask, path):
    assert ask(path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_nothing_can_be_sent(ask, method):
    assert ask("/metrics", method)[0] == 501


def test_the_head_alone_can_be_asked_for(ask):
    status, headers, text = ask("/metrics", "HEAD")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 0


@pytest.mark.parametrize("name", ["evil.example", "evil.example:9464", "192.168.1.7"])
def test_a_site_that_points_its_name_here_is_refused(ask, name):
    assert ask("/metrics", Host=name)[0] == 421


@pytest.mark.parametrize("name", ["localhost", "localhost:9464", "127.0.0.1:1", "[::1]:9464"])
def test_names_of_this_machine_are_served(ask, name):
    assert ask("/metrics", Host=name)[0] == 200


@pytest.mark.parametrize(
    "data", [b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n"]
)
def test_nonsense_does_not_end_it(ask, server, data):
    with socket.create_connection(server.address, timeout=30) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass
    assert ask("/metrics")[0] == 200


def test_more_clients_than_places_are_turned_away(ask, server):
    waiting = [socket.create_connection(server.address, timeout=30) for _ in range(8)]
    with pytest.raises(ConnectionError):
        ask("/metrics")
    for client in waiting:
        client.close()


def test_closing_ends_its_threads(progress):
    before = threading.active_count()
    MonitoringServer(("127.0.0.1", 0), progress, 10.0, lambda: None).close()
    assert threading.active_count() == before


def test_an_address_that_is_taken_is_told(server, progress):
    with pytest.raises(OutputError, match="cannot be served"):
        MonitoringServer(server.address, progress, 10.0, lambda: None)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:9464", ("::1", 9464)),
        ("board:0", ("board", 0)),
    ],
)
def test_addresses_that_are_understood(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", ":9464", "host", "host:", "host:x", "host:70000", "host:-1"])
def test_addresses_that_are_not(text):
    with pytest.raises(UsageError):
        parse_address(text)
