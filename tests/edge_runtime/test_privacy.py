"""A run of edge-infer calls nobody and leaves nothing: traced down to the kernel."""

from __future__ import annotations

import sys

import pytest

from edge_runtime import installed_engines
from tests.edge_runtime.system_calls import calls_of_filter, trace
from tests.requirements import require_patience

# Nothing that a traced program sends leaves the machine.
NO_NETWORK = ("-e", "inject=%network:error=ENETUNREACH")
PLAIN_SESSION = """
import sys, time
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
time.sleep(float(sys.argv[2]))
"""


def _infer(bundle, engine, frames, per_second):
    return [
        *(sys.executable, "-m", "edge_runtime.infer.cli", "--bundle", bundle, "--engine", engine),
        *("--saliency", "gradient", "--jsonl", "-", "--source"),
        f"synthetic:?width=64&height=48&frames={frames}&fps={per_second}",
    ]


def _plain_session(bundle, seconds):
    return [sys.executable, "-c", PLAIN_SESSION, bundle / "int8.onnx", str(seconds)]


@pytest.fixture(scope="module", params=installed_engines())
def short_run(request, tiny_bundle_path, tmp_path_factory):
    """The trace of a second's run in each engine."""
    command = _infer(tiny_bundle_path, request.param, 20, 20)
    return trace(command, tmp_path_factory.mktemp("short"), *NO_NETWORK)


def test_a_run_opens_no_socket_and_leaves_no_file(short_run):
    assert short_run.network == []
    assert short_run.home == []


def test_the_units_filter_lets_every_system_call_of_a_run_through(short_run):
    allowed = calls_of_filter("@system-service") - calls_of_filter("@privileged")
    # execve, exit and the like are always allowed.
    assert short_run.names - allowed - calls_of_filter("@default") == set()


def test_a_run_needs_no_memory_that_can_be_written_and_executed(short_run):
    denied = [
        (name, rest)
        for name, rest in short_run.calls
        if (name == "mmap" and "PROT_WRITE|PROT_EXEC" in rest)
        or (name in ("mprotect", "pkey_mprotect") and "PROT_EXEC" in rest)
    ]
    assert denied == []


def test_an_engine_used_without_this_package_does_leave_a_device_id(tiny_bundle_path, tmp_path):
    if "onnx" not in installed_engines():
        pytest.skip("only ONNX Runtime sends telemetry")
    left = trace(_plain_session(tiny_bundle_path, 0), tmp_path, *NO_NETWORK).home
    assert any(name.endswith("deviceid") for name in left)


@pytest.mark.parametrize("engine", installed_engines())
def test_a_run_of_forty_seconds_calls_nobody(engine, tiny_bundle_path, tmp_path):
    require_patience("40 s a run")
    traced = trace(_infer(tiny_bundle_path, engine, 80, 2), tmp_path, *NO_NETWORK)
    assert traced.network == []
    assert traced.home == []


def test_forty_seconds_are_long_enough_to_see_a_call(tiny_bundle_path, tmp_path):
    require_patience("40 s a run")
    traced = trace(_plain_session(tiny_bundle_path, 40), tmp_path, *NO_NETWORK)
    assert any("AF_INET" in call for call in traced.network)
