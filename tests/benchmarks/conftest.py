"""Fixtures of the benchmarks' tests: a bundle with its own reference, and rounds made by hand."""

from __future__ import annotations

import json

import pytest

from benchmarks import cli
from benchmarks.worker import Round
from edge_runtime.bundle import open_bundle
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
    """Function that makes a round of inference times in milliseconds: make_round(1, 2, 3)."""

    def make(*inference_ms, preprocess_ms=1, **changes):
        fields = {
            "preprocess_ns": tuple(preprocess_ms * 1_000_000 for _ in inference_ms),
            "inference_ns": tuple(int(value * 1_000_000) for value in inference_ms),
            "load_ns": 40_000_000,
            "first_inference_ns": 9_000_000,
            "memory_before_load": 30 << 20,
            "memory_after_load": 50 << 20,
            "memory_peak": 60 << 20,
            "engine_version": "1.2.3",
        }
        return Round(**{**fields, **changes})

    return make


@pytest.fixture
def bench(capsys):
    """Function that runs bench as its script does."""
    return runner(cli.main, capsys)
