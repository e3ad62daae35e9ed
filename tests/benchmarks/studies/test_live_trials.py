"""Live trials: what is measured, how it is counted, and how it goes on."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from benchmarks.studies import slowed_worker
from benchmarks.studies.live_trials import main, run_trial, summary_rows
from benchmarks.studies.slowed_worker import slow_down
from benchmarks.workload import Workload
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import run_command
from tests.commands import runner

WORKLOAD = Workload(frames=20, warmup=2, rounds=6, threads=1)


@pytest.fixture
def run_main(capsys):
    return runner(lambda arguments: run_command(main, arguments), capsys)


def trial(slowed, onnx, litert):
    """A trial with these verdicts at both percentiles."""
    verdicts = {
        engine: {"ratio": 1.1, "verdict": verdict}
        for engine, verdict in (("onnx", onnx), ("litert", litert))
    }
    ways = dict.fromkeys(("p50", "p50 raw", "p10", "p10 raw"), verdicts)
    return {"slowed": slowed, "load": 1.0, **ways}


TRIALS = [
    trial(None, "no evidence", "no evidence"),
    trial("onnx", "slower", "no evidence"),
    trial(None, "no evidence", "faster"),
    trial("litert", "slower", "no evidence"),
]


def test_a_slowed_engine_keeps_the_processor_until_its_time_is_over(monkeypatch):
    clock = SimpleNamespace(now=0)

    def read():
        clock.now += 1
        return clock.now

    monkeypatch.setattr(slowed_worker.time, "perf_counter_ns", read)

    def run(image):
        clock.now += 100
        return image

    engine = slow_down(SimpleNamespace(run=run), 1.5)
    assert engine.run("picture") == "picture"
    assert clock.now == pytest.approx(150, abs=5)


@pytest.mark.parametrize("in_turn", [False, True])
def test_a_trial_measures_both_engines_and_judges_each(bundle_path, in_turn):
    workload = Workload(frames=3, warmup=1, rounds=1, threads=1, frame_width=48, frame_height=32)
    found = run_trial(open_bundle(bundle_path), workload, "onnx", 1.5, in_turn)
    assert found["slowed"] == "onnx"
    for way in ("p50", "p50 raw", "p10", "p10 raw"):
        assert set(found[way]) == {"onnx", "litert"}
    assert found["p50"]["litert"]["verdict"] == "no evidence"  # of one process
    assert found["p10"]["onnx"]["ratio"] > 0


def test_a_verdict_counts_as_found_only_for_the_engine_that_was_slowed():
    assert summary_rows(TRIALS) == [
        (way, "1 of 2", "1 of 2", "1 of 2", "1.100") for way in ("p50", "p50 raw", "p10", "p10 raw")
    ]


def test_trials_that_are_done_are_not_measured_again(bundle_path, tmp_path, run_main):
    out = tmp_path / "live.json"
    settings = {
        "bundle": open_bundle(bundle_path).sha256,
        "factor": 1.1,
        "in_turn": False,
        "workload": WORKLOAD.to_json(),
    }
    out.write_text(json.dumps({**settings, "trials": TRIALS}))
    arguments = (bundle_path, "--trials", 2, "--frames", 20, "--out", out)
    ending = run_main(*arguments)
    assert ending.code == 0, ending.err
    assert "10% in every second of 4 trials; load 1.0 to 1.0" in ending.out
    ending = run_main(*arguments, "--factor", 1.2)
    assert (ending.code, "other settings" in ending.err) == (2, True)
