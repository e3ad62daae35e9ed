"""The figures of a run."""

from __future__ import annotations

from dataclasses import replace

from edge_runtime.infer import statistics
from edge_runtime.infer.statistics import RunStatistics
from tests.edge_runtime.predictions import prediction


def _prediction(label, milliseconds):
    timings_ms = {"preprocess": 0.25 * milliseconds, "infer": 0.75 * milliseconds}
    return prediction(label=label, timings_ms=timings_ms)


def test_percentiles_are_of_preprocessing_plus_inference():
    run = RunStatistics()
    run.frame_in_hand()
    for milliseconds in range(1, 102):
        run.add(_prediction("normal", milliseconds))
    assert run.summary(0, 0).latency_ms == {"p50": 51.0, "p90": 91.0, "p99": 100.0}


def test_the_age_of_a_frame_is_counted_beside():
    run = RunStatistics()
    for age in (10.0, 20.0, 30.0):
        run.add(replace(_prediction("normal", 1), age_ms=age))
    assert run.summary(0, 0).age_ms["p50"] == 20.0


def test_labels_are_counted_most_frequent_first():
    run = RunStatistics()
    for label in ("a", "b", "b"):
        run.add(_prediction(label, 1))
    assert list(run.summary(3, 2).labels.items()) == [("b", 2), ("a", 1)]
    assert (run.summary(3, 2).dropped, run.summary(3, 2).skipped) == (3, 2)


def test_a_run_without_frames_has_a_summary():
    summary = RunStatistics().summary(0, 0)
    assert (summary.frames, summary.fps, summary.latency_ms) == (0, 0.0, {})


def test_memory_stays_bounded_and_old_latencies_are_forgotten(monkeypatch):
    monkeypatch.setattr(statistics, "_WINDOW", 8)
    run = RunStatistics()
    for milliseconds in [1000] * 20 + [2] * 8:
        run.add(_prediction("normal", milliseconds))
    assert len(run._latencies._values) == 8
    assert run.summary(0, 0).latency_ms["p99"] == 2.0
