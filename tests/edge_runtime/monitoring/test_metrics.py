"""The metrics page, read by the grammar of the text exposition format 0.0.4."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.assessment.assessor import Assessment
from edge_runtime.classifier import ModelIdentity
from edge_runtime.monitoring import RunProgress
from edge_runtime.monitoring.metrics import exposition
from edge_runtime.sources import CaptureTime
from edge_runtime.sources.base import SourceStatus
from tests.edge_runtime.predictions import prediction

SAMPLE = re.compile(
    r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\\\|\\n|\\")*",?)*)\})? (\S+)'
)
LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\\\|\\n|\\")*)"')
UNESCAPED = {r"\\": "\\", r"\n": "\n", r"\"": '"'}


def parse(text):
    """Samples {(name, labels): value} and types {family: type} of a page; fails on bad grammar."""
    assert text.endswith("\n")
    samples, types = {}, {}
    for line in text[:-1].split("\n"):
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types
            types[name] = kind
        elif not line.startswith("# HELP "):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            found = LABEL.findall(labels or "")
            key = tuple(
                (one, re.sub(r'\\[\\n"]', lambda m: UNESCAPED[m[0]], of)) for one, of in found
            )
            assert (name, key) not in samples
            family = re.sub("_(bucket|sum|count)$", "", name)
            assert name in types or types[family] == "histogram"
            samples[name, key] = float(value)
    return samples, types


def _progress(**changes):
    progress = RunProgress(dropped=lambda: 3, clock=lambda: 100.0)
    timings = {"capture": 5.0, "preprocess": 1.0, "infer": 2.0}
    progress.add(prediction(timings_ms=timings, **changes))
    return progress


def test_counts_of_a_run():
    progress = _progress(label="polyp")
    progress.add(prediction(label="normal", timings_ms={"preprocess": 100.0, "infer": 2000.0}))
    samples, types = parse(exposition(progress.snapshot(), 51.5))
    assert samples["saliedge_frames_total", ()] == 2
    assert samples["saliedge_frames_dropped_total", ()] == 3
    assert samples["saliedge_labels_total", (("label", "polyp"),)] == 1
    assert samples["saliedge_stage_seconds_total", (("stage", "infer"),)] == pytest.approx(2.002)
    assert samples["saliedge_temperature_celsius", ()] == 51.5
    assert types["saliedge_frames_total"] == "counter"


def test_the_latency_is_a_histogram():
    progress = _progress()
    progress.add(prediction(timings_ms={"preprocess": 100.0, "infer": 2000.0}))
    samples, types = parse(exposition(progress.snapshot(), None))
    buckets = {
        labels[0][1]: value
        for (name, labels), value in samples.items()
        if name == "saliedge_latency_seconds_bucket"
    }
    assert types["saliedge_latency_seconds"] == "histogram"
    assert (buckets["0.002"], buckets["0.005"], buckets["1"], buckets["+Inf"]) == (0, 1, 1, 2)
    assert samples["saliedge_latency_seconds_count", ()] == 2
    assert samples["saliedge_latency_seconds_sum", ()] == pytest.approx(2.103)


def test_a_latency_on_the_edge_of_a_bucket_is_inside():
    progress = RunProgress()
    progress.add(prediction(timings_ms={"preprocess": 0.0, "infer": 1.0}))
    samples, _ = parse(exposition(progress.snapshot(), None))
    assert samples["saliedge_latency_seconds_bucket", (("le", "0.001"),)] == 1


def test_a_run_before_its_first_frame_has_no_age_and_no_model():
    samples, _ = parse(exposition(RunProgress().snapshot(), None))
    assert samples["saliedge_frames_total", ()] == 0
    assert samples["saliedge_camera_up", ()] == 1
    names = {name for name, _ in samples}
    assert not names & {
        "saliedge_frame_age_seconds", "saliedge_model_info", "saliedge_temperature_celsius",
    }  # fmt: skip


def test_a_lost_camera_and_doubtful_frames_are_counted():
    assessment = Assessment("polyp", 0.4, uncertain=True, distance=9.0, unfamiliar=True)
    progress = _progress(assessment=assessment)
    progress.source_changed(SourceStatus("lost", "camera", CaptureTime.now(), "", 2))
    samples, _ = parse(exposition(progress.snapshot(), None))
    assert samples["saliedge_camera_up", ()] == 0
    assert samples["saliedge_camera_losses_total", ()] == 2
    assert samples["saliedge_frames_uncertain_total", ()] == 1
    assert samples["saliedge_frames_unfamiliar_total", ()] == 1


@given(name=st.text(st.characters(exclude_categories=("Cs",))))
def test_any_name_reads_back(name):
    progress = _progress(label=name, model=ModelIdentity(name, "a" * 64, "onnx"))
    samples, _ = parse(exposition(progress.snapshot(), None))
    assert samples["saliedge_labels_total", (("label", name),)] == 1
    assert any(key == "saliedge_model_info" and ("name", name) in of for key, of in samples)
