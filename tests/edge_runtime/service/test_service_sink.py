"""The service manager hears of processed frames, and of nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from edge_runtime.service import ServiceManager
from edge_runtime.sinks.service import ServiceSink
from edge_runtime.sources import CaptureTime
from edge_runtime.sources.base import SourceStatus
from tests.edge_runtime.predictions import prediction


@pytest.fixture
def clock():
    """A clock that the test sets: clock.now = seconds."""

    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def sink(manager, clock):
    return ServiceSink(ServiceManager(manager.address, watchdog_seconds=8), clock)


def test_the_service_is_ready_at_its_first_frame(sink, manager):
    assert manager.received() == []
    sink.write(prediction(), None)
    sink.write(prediction(), None)
    assert manager.received() == ["READY=1\nSTATUS=1 frames; tiny aaaaaaaaaaaa in onnx"]


def test_the_watchdog_is_fed_at_half_its_time_by_frames(sink, manager, clock):
    fed_at = []
    for clock.now in range(13):
        sink.write(prediction(), None)
        if "WATCHDOG=1" in manager.received():
            fed_at.append(clock.now)
    assert fed_at == [4, 8, 12]


def test_nothing_but_a_frame_feeds_the_watchdog(sink, manager, clock):
    sink.write(prediction(), None)
    manager.received()
    clock.now = 100
    lost = SourceStatus("lost", "camera", CaptureTime.now(), "It is unplugged.", 1)
    sink.source_changed(lost)
    sink.close(keep=True)
    assert manager.received() == ["STATUS=camera lost: It is unplugged.", "STOPPING=1"]


def test_the_status_is_told_now_and_then(sink, manager, clock):
    for clock.now in range(0, 25, 5):
        sink.write(prediction(), None)
    told = [message for message in manager.received() if message.startswith("STATUS")]
    assert [message.partition(";")[0] for message in told] == ["STATUS=3 frames", "STATUS=5 frames"]


def test_edge_infer_is_ready_feeds_the_watchdog_and_says_that_it_stops(manager, tiny_bundle_path):
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "edge_runtime.infer.cli", "--bundle", tiny_bundle_path),
            *("--source", "synthetic:?width=64&height=48", "--engine", "onnx"),
        ],
        env={**os.environ, "NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "2000"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert manager.wait().startswith("READY=1")
        assert manager.wait() == "WATCHDOG=1"
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 143
    assert manager.received()[-1] == "STOPPING=1"
