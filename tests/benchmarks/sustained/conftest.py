"""Long runs that are made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.absent import Absent
from benchmarks.conditions import conditions
from benchmarks.configurations import Configuration
from benchmarks.report import BundleIdentity
from benchmarks.sensors import Reading, Usage
from benchmarks.sustained.report import SustainedReport
from benchmarks.sustained.verdict import Moment
from benchmarks.sustained.windows import Window
from benchmarks.workload import Workload

NOT_READ = Absent("not read in this test")


@pytest.fixture
def moment():
    """Function that makes the moment at the end of a window of 10 s of which all else is absent."""

    def make(index, infer_ms, others=NOT_READ, **reading):
        window = Window(
            seconds=10.0 * (index + 1),
            frames=100,
            duration=10.0,
            stages_ms={"capture": 0.1, "preprocess": 0.5, "infer": infer_ms},
            infer_p90_ms=1.1 * infer_ms,
            infer_max_ms=2 * infer_ms,
            age_p50_ms=infer_ms + 0.5,
            age_max_ms=20.0,
        )
        absent = dict.fromkeys(Reading.__dataclass_fields__, NOT_READ)
        usage = Usage(0.9, others, 80 << 20, 60 << 20)
        return Moment(window, Reading(**{**absent, **reading}), usage)

    return make


@pytest.fixture
def long_run(tmp_path):
    """Function that makes the report of some moments."""

    def make(moments, **changes):
        fields = {
            "bundle": BundleIdentity("first.edge", "first", "ab" * 32, 96, 128),
            "configuration": Configuration("onnx", "int8", "none"),
            "workload": Workload(frames=2, warmup=1, rounds=2, threads=1),
            "source": "synthetic frames, one after the other",
            "rate": 0.0,
            "conditions": conditions(Path(tmp_path)),
            "engine_version": "1.2.3",
            "started_utc": "2026-01-02T03:04:05+00:00",
            "power": NOT_READ,
            "before": Reading(NOT_READ, NOT_READ, NOT_READ, NOT_READ),
            "idle_watts": NOT_READ,
            "moments": tuple(moments),
            "dropped": NOT_READ,
            "battery_wh": NOT_READ,
        }
        return SustainedReport(**{**fields, **changes})

    return make
