"""Processes in turn, and one sentence when one of them fails."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks import exchange
from benchmarks.absent import Absent
from benchmarks.configurations import Configuration
from benchmarks.rounds import measure_rounds, run_process
from benchmarks.subjects import Subject, open_subjects
from benchmarks.worker import Task
from benchmarks.workload import Workload
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import ArtifactError, DependencyError, SaliedgeError

INT8 = Configuration("onnx", "int8", "none")
FLOAT = Configuration("onnx", "float32", "none")
WORKLOAD = Workload(frames=3, warmup=1, rounds=2, threads=1, frame_width=48, frame_height=32)
TASK = Task("nowhere.edge", "0" * 64, INT8, WORKLOAD)


def process(program):
    """Run a Python program in place of the measuring process."""
    return run_process(TASK, b"", [sys.executable, "-c", program])


def test_rounds_run_in_turn_in_a_fresh_process_each(bundle_path, monkeypatch):
    started, told = [], []

    def run(*arguments, ended=subprocess.run, **options):
        started.append(arguments)
        return ended(*arguments, **options)

    monkeypatch.setattr(exchange.subprocess, "run", run)
    results = measure_rounds(
        open_subjects([bundle_path]),
        [INT8, FLOAT],
        WORKLOAD,
        lambda number, configuration: told.append((number, configuration)),
    )
    assert told == [(0, INT8), (0, FLOAT), (1, INT8), (1, FLOAT)]
    assert len(started) == 4
    assert [result.configuration for result in results] == [INT8, FLOAT]
    assert [len(result.rounds) for result in results] == [2, 2]
    assert [result.graph for result in results] == ["int8.onnx", "float.onnx"]
    assert results[0].model_bytes == (bundle_path / "int8.onnx").stat().st_size


def test_a_float_configuration_needs_the_reference(bundle_path):
    with pytest.raises(ValueError, match="needs the reference: lost"):
        measure_rounds([Subject(open_bundle(bundle_path), Absent("lost"))], [FLOAT], WORKLOAD)


def test_an_error_keeps_its_class_and_its_sentence(bundle_path):
    graph = bundle_path / "int8.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    with pytest.raises(ArtifactError, match=r"int8\.onnx is not the file that was exported"):
        measure_rounds(open_subjects([bundle_path]), [INT8], WORKLOAD)


def test_a_process_that_is_killed_is_one_sentence():
    with pytest.raises(DependencyError) as caught:
        process("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert "onnx int8 was ended by SIGKILL" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_process_that_crashes_is_one_sentence_with_its_last_line():
    with pytest.raises(SaliedgeError) as caught:
        process("raise KeyError('lost')")
    assert "failed with exit code 1 (KeyError: 'lost')" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("printed", ["", "hello", "{}", "[]", "3"])
def test_a_process_that_answers_something_else_is_one_sentence(printed):
    with pytest.raises(SaliedgeError, match="onnx int8 failed with exit code 0"):
        process(f"print({printed!r})")


def test_what_an_engine_prints_does_not_reach_the_answer(bundle_path, tmp_path):
    # The worker gives its standard output away before it imports an engine.
    program = (
        "import os, sys; from benchmarks import worker\n"
        "serve = worker._serve\n"
        "worker._serve = lambda stream: (os.write(1, b'noise'), print('noise'), serve(stream))[2]\n"
        "worker.main()"
    )
    task = Task(str(bundle_path), open_bundle(bundle_path).sha256, INT8, WORKLOAD)
    frames = bytes(WORKLOAD.frame_height * WORKLOAD.frame_width * 3)
    measured = run_process(task, frames, [sys.executable, "-c", program])
    assert len(measured.inference_ns) == WORKLOAD.frames


def test_nothing_is_imported_from_the_folder_that_the_command_is_run_in(
    bundle_path, tmp_path, monkeypatch
):
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "numpy.py").write_text("raise SystemExit('trapped')")
    monkeypatch.chdir(trap)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", os.curdir)])
    results = measure_rounds(open_subjects([bundle_path]), [INT8], WORKLOAD)
    assert len(results[0].rounds) == 2
