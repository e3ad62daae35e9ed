"""Fixtures of the benchmarks' tests: a bundle with its own reference, and rounds made by hand."""

from __future__ import annotations

import json

import pytest

from benchmarks import cli
from benchmarks.absent import Absent
from benchmarks.conditions import conditions
from benchmarks.configurations import Configuration
from benchmarks.costs import Costs
from benchmarks.report import BundleIdentity, Report, Result
from benchmarks.worker import Round
from benchmarks.workload import Workload
from edge_runtime.bundle import open_bundle
from tests.benchmarks.places import with_places
from tests.commands import runner
from tests.edge_runtime import tiny_graphs


@pytest.fixture
def bundle_path(tmp_path):
    """A tiny bundle in both formats; beside it the reference of this very bundle, in ONNX."""
    path = tmp_path / "tiny.edge"
    tiny_graphs.write_bundle(path)
    reference = tmp_path / "tiny.reference"
    tiny_graphs.write_reference(reference)
    record = json.loads((reference / "reference.json").read_text())
    record["bundle_sha256"] = open_bundle(path).sha256
    (reference / "reference.json").write_text(json.dumps(record))
    return path


@pytest.fixture
def make_round():
    """Function that makes a round of inference times in milliseconds: make_round(1, 2, 3).

    With ``probe_ms`` every frame is followed by a probe that takes so long.
    """

    def make(*inference_ms, preprocess_ms=1, probe_ms=None, **changes):
        if probe_ms is not None:
            changes = {
                "probe": "1, made by hand",
                "probe_ns": tuple(int(probe_ms * 1_000_000) for _ in inference_ms),
                **changes,
            }
        fields = {
            "preprocess_ns": tuple(preprocess_ms * 1_000_000 for _ in inference_ms),
            "inference_ns": tuple(int(value * 1_000_000) for value in inference_ms),
            "load_ns": 40_000_000,
            "first_inference_ns": 9_000_000,
            "memory_before_load": 30 << 20,
            "memory_after_load": 50 << 20,
            "memory_peak": 60 << 20,
            "engine_version": "1.2.3",
            "costs": Costs(500_000_000, 1_000_000, 40 << 20, 55 << 20, 45 << 20, (2_000_000,)),
        }
        return Round(**{**fields, **changes})

    return make


@pytest.fixture
def report(make_round, tmp_path):
    """A report of two rounds of INT8, with a map and without, and float; no /proc anywhere."""
    unread = Absent("status cannot be read here")
    rounds = {
        ("int8", "none"): [make_round(2, 2, probe_ms=0.5), make_round(3, 3, probe_ms=0.7)],
        ("int8", "gradient"): [make_round(6, 6), make_round(6, 6)],
        ("float32", "none"): [make_round(4, 4, memory_peak=unread), make_round(4, 4)],
    }
    return Report(
        bundle=BundleIdentity("first.edge", "first", "ab" * 32, 96, 128),
        workload=Workload(frames=2, warmup=1, rounds=2, threads=1),
        conditions=conditions(tmp_path),
        started_utc="2026-01-02T03:04:05+00:00",
        seconds=1.5,
        results=tuple(
            Result(Configuration("onnx", *key), f"{'-'.join(key)}.onnx", 4_000_000, tuple(found))
            for key, found in rounds.items()
        ),
        left_out={"litert": "not installed here", "tflite-runtime": "not installed here"},
    )


@pytest.fixture
def wide_report(report):
    """The report with a second bundle and with two numbers of threads of the first."""
    places = [("first.edge", 128, 1), ("first.edge", 128, 2), ("second.edge", 160, 1)]
    return with_places(report, *places)


@pytest.fixture
def bench(capsys):
    """Function that runs bench as its script does."""
    return runner(cli.main, capsys)
