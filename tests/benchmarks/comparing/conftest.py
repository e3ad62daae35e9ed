"""Reports made by hand, and the command that holds one to another."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.comparing.command import check
from benchmarks.conditions import conditions
from benchmarks.configurations import Configuration
from benchmarks.report import BundleIdentity, Report, Result
from benchmarks.workload import Workload
from edge_runtime.errors import run_command
from tests.commands import runner


@pytest.fixture
def make_report(make_round, tmp_path):
    """Function that writes a report: make_report("a.json", int8_none=5.0, ...) -> path."""

    def make(name, change=lambda report: report, rounds=8, seed=0, **levels):
        random = np.random.default_rng(seed)

        def found(level):
            medians = level * (1 + 0.01 * random.standard_normal(rounds))
            return tuple(make_round(*(m * (1 + 0.02 * random.random(30)))) for m in medians)

        report = Report(
            bundle=BundleIdentity("first.edge", "first", "ab" * 32, 96, 128),
            workload=Workload(frames=30, warmup=1, rounds=rounds, threads=1),
            conditions=conditions(tmp_path),
            started_utc="2026-01-02T03:04:05+00:00",
            seconds=1.5,
            results=tuple(
                Result(Configuration("onnx", *key.split("_")), "x.onnx", 4_000_000, found(level))
                for key, level in levels.items()
            ),
            left_out={},
        )
        path = tmp_path / name
        path.write_bytes(change(report).to_bytes())
        return path

    return make


@pytest.fixture
def run_check(capsys):
    return runner(lambda arguments: run_command(check, arguments), capsys)
