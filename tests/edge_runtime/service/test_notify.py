"""Word to the service manager over a real socket."""

from __future__ import annotations

import os
import socket

import pytest

from edge_runtime.service import ServiceManager


def test_without_a_manager_there_is_none():
    assert ServiceManager.from_environment({}) is None
    assert ServiceManager.from_environment({"NOTIFY_SOCKET": "vsock:2:1"}) is None


def test_every_word_arrives_as_the_protocol_has_it(manager):
    service = ServiceManager.from_environment({"NOTIFY_SOCKET": manager.address})
    service.ready("running\nfirst")
    service.feed_watchdog()
    service.status("camera lost")
    service.stopping()
    assert manager.received() == [
        "READY=1\nSTATUS=running first",
        "WATCHDOG=1",
        "STATUS=camera lost",
        "STOPPING=1",
    ]


def test_an_abstract_socket_is_reached():
    name = f"saliedge-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}")
        listener.setblocking(False)
        ServiceManager(f"@{name}", None).feed_watchdog()
        assert listener.recv(100) == b"WATCHDOG=1"


def test_a_manager_that_is_gone_is_no_failure(tmp_path):
    ServiceManager(str(tmp_path / "gone"), None).ready("running")
    ServiceManager("/" + "x" * 200, None).ready("running")


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_watchdog_is_fed_only_if_it_watches_this_process(environment, seconds):
    variables = {"NOTIFY_SOCKET": "/run/notify", **environment}
    assert ServiceManager.from_environment(variables, process_id=7).watchdog_seconds == seconds
