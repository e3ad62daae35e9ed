"""saliedge health, asked of a real server."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from edge_runtime.monitoring import MonitoringServer, RunProgress
from tests.edge_runtime.predictions import prediction


@pytest.fixture
def progress():
    return RunProgress(clock=lambda: 0.0)


@pytest.fixture
def address(progress):
    server = MonitoringServer(("127.0.0.1", 0), progress, 10.0, lambda: None)
    yield f"127.0.0.1:{server.address[1]}"
    server.close()


def test_a_run_that_classifies_is_healthy(saliedge, progress, address):
    progress.add(prediction())
    end = saliedge("health", "--metrics", address)
    assert (end.code, end.out) == (0, "healthy, 1 frames\n")


def test_a_run_that_does_not_ends_with_8_and_the_reason(saliedge, address):
    end = saliedge("health", "--metrics", address, "--json")
    assert end.code == 8
    assert "no frame was classified yet" in end.err
    assert json.loads(end.out)["healthy"] is False


def test_nobody_there_ends_with_8(saliedge):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        end = saliedge("health", "--metrics", f"127.0.0.1:{unused.getsockname()[1]}")
    assert end.code == 8
    assert "Nobody answers" in end.err and "Errno" not in end.err


def test_somebody_else_there_ends_with_8(saliedge, address, monkeypatch):
    monkeypatch.setattr(MonitoringServer, "_answer", lambda self, path: (200, "text/plain", "[]"))
    assert saliedge("health", "--metrics", address).code == 8


def test_asking_imports_no_numpy():
    # A container's health check starts it every half minute, beside the run on a small board.
    code = (
        "import sys, edge_runtime.commands.health, edge_runtime.monitoring.server;"
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
