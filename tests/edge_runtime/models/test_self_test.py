"""The golden self-test in a child process: a crash of the engine is a finding."""

from __future__ import annotations

import threading

import pytest

from edge_runtime import installed_engines
from edge_runtime.models.self_test import run_self_test
from tests.requirements import require_module


@pytest.mark.parametrize("engine", installed_engines())
def test_a_good_bundle_passes(shelf, engine):
    assert run_self_test(shelf("first"), engine, ["none", "gradient"]).passed


def test_other_outputs_than_expected_are_named(shelf):
    problem = run_self_test(shelf("wrong"), "onnx", ["none"]).problem
    assert "does not compute the expected outputs: int8.onnx in onnx" in problem


def test_a_graph_that_crashes_the_engine_is_a_finding(shelf):
    require_module("ai_edge_litert", "litert")
    problem = run_self_test(shelf("crashing"), "litert", ["none"]).problem
    assert problem == "the engine litert crashed on it (SIGSEGV)"


def test_a_missing_bundle_is_a_finding(tmp_path):
    assert "does not exist" in run_self_test(tmp_path / "none.edge", "onnx", ["none"]).problem


def test_a_test_that_takes_too_long_is_ended(shelf):
    assert "within 0 s" in run_self_test(shelf("first"), "onnx", ["none"], timeout=0).problem


def test_a_test_can_be_cancelled(shelf):
    cancelled = threading.Event()
    cancelled.set()
    result = run_self_test(shelf("first"), "onnx", ["none"], cancelled=cancelled)
    assert "was cancelled" in result.problem


def test_nothing_of_the_working_directory_is_imported(shelf, tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    monkeypatch.chdir(tmp_path)
    assert run_self_test(shelf("first"), "onnx", ["none"]).passed
