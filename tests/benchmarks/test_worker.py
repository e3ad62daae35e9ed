"""The measuring process, in this process where that is enough."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import worker
from benchmarks.absent import Absent
from benchmarks.configurations import Configuration
from benchmarks.worker import Round, Task, measure
from benchmarks.workload import Workload, synthetic_frames
from edge_runtime.bundle import open_bundle, open_reference
from edge_runtime.engines import Engine
from edge_runtime.errors import ArtifactError

WORKLOAD = Workload(frames=5, warmup=3, rounds=1, threads=1, frame_width=48, frame_height=32)


@pytest.fixture
def task(bundle_path):
    """A task that measures the plain INT8 graph in ONNX Runtime."""
    bundle = open_bundle(bundle_path)
    return Task(str(bundle_path), bundle.sha256, Configuration("onnx", "int8", "none"), WORKLOAD)


def frames():
    return synthetic_frames(WORKLOAD)


@pytest.mark.parametrize("engine", ["onnx", "litert"])
@pytest.mark.parametrize("saliency", ["none", "cam", "gradient"])
def test_every_timed_frame_has_both_stages(task, engine, saliency):
    configuration = Configuration(engine, "int8", saliency)
    measured = measure(replace(task, configuration=configuration), frames)
    assert len(measured.preprocess_ns) == len(measured.inference_ns) == WORKLOAD.frames
    assert min(measured.inference_ns) > 0
    assert len(measured.probe_ns) == WORKLOAD.frames
    assert min(measured.probe_ns) > 0
    assert measured.load_ns > 0
    assert measured.first_inference_ns > 0
    assert measured.engine_version not in ("", "unknown")


def test_the_first_run_and_the_warm_up_are_not_among_the_samples(task, monkeypatch):
    ticks = iter(range(1_000_000))
    monkeypatch.setattr(worker.time, "perf_counter_ns", lambda: 10 * next(ticks))
    runs = []
    run = Engine.run
    monkeypatch.setattr(Engine, "run", lambda *a: runs.append(1) or run(*a))
    measured = measure(task, frames)
    assert len(runs) == 1 + WORKLOAD.warmup + WORKLOAD.frames
    assert measured.inference_ns == (10,) * WORKLOAD.frames


def test_the_probe_follows_every_frame_and_is_in_no_latency(task, monkeypatch):
    now, order = [0], []
    monkeypatch.setattr(worker.time, "perf_counter_ns", lambda: now[0])
    monkeypatch.setattr(worker.time, "process_time_ns", lambda: now[0])

    def passing(name, duration):
        def act(*_):
            order.append(name)
            now[0] += duration

        return act

    engine = SimpleNamespace(run=passing("run", 100))
    preprocessing = SimpleNamespace(apply_into=passing("preprocess", 10))
    pictures = frames()
    found, processor_ns = worker.time_frames(
        engine, preprocessing, pictures, pictures[:1], WORKLOAD, passing("probe", 7)
    )
    assert order == ["preprocess", "run", "probe"] * len(found)
    assert found.tolist() == [[10, 100, 7]] * len(found)
    assert processor_ns == 110 * WORKLOAD.frames


def test_times_of_the_probe_are_of_all_frames_or_of_none(make_round):
    with pytest.raises(ValueError, match="time of the probe for each frame"):
        make_round(1, 2, probe="1, made by hand", probe_ns=(5,))
    with pytest.raises(ValueError, match="time of the probe for each frame"):
        make_round(1, 2, probe_ns=(5, 5))


def test_a_round_of_an_older_report_has_no_probe(make_round):
    record = make_round(1, 2, probe_ms=1).to_json()
    assert Round.from_json(record).stage_ns("probe").tolist() == [1_000_000] * 2
    del record["probe"], record["probe_ns"]
    old = Round.from_json(record)
    assert old.probe == Absent("the version of bench that wrote this had no machine-speed probe")
    assert old.probe_ns == ()
    assert Round.from_json(old.to_json()) == old


def test_the_frames_are_read_once_the_memory_after_loading_is_known(task, monkeypatch):
    order = []
    monkeypatch.setattr(worker, "resident_memory", lambda: order.append("memory") or 1)

    def read():
        order.append("frames")
        return frames()

    measure(task, read)
    assert order == ["memory", "memory", "frames", "memory"]  # the last when all is steady


def test_the_frames_go_through_the_bundles_preprocessing(task, monkeypatch):
    seen = []
    run = Engine.run

    def spy(engine, image):
        seen.append(image.copy())
        return run(engine, image)

    monkeypatch.setattr(Engine, "run", spy)
    measure(task, frames)
    preprocessing = open_bundle(task.folder).spec.preprocessing
    np.testing.assert_array_equal(seen[1][0], preprocessing.apply(frames()[1]))


def test_the_float_reference_is_measured_from_its_own_folder(task, bundle_path):
    reference = open_reference(bundle_path.with_name("tiny.reference"))
    configuration = Configuration("onnx", "float32", "none")
    measured = measure(Task(str(reference.path), reference.sha256, configuration, WORKLOAD), frames)
    assert len(measured.inference_ns) == WORKLOAD.frames


def test_a_bundle_that_changed_since_the_start_is_not_measured(task):
    with pytest.raises(ArtifactError, match="was changed while it was measured"):
        measure(replace(task, sha256="0" * 64), frames)


@pytest.mark.parametrize("saliency", ["none", "gradient"])
def test_what_it_costs_is_measured_with_the_frames(task, saliency):
    configuration = Configuration("onnx", "int8", saliency)
    told = replace(task, configuration=configuration, started_ns=time.monotonic_ns())
    costs = measure(told, frames).costs
    assert isinstance(costs.presentation_ns, Absent) == (saliency == "none")
    for name in ("start_ns", "processor_ns", "pss_after_load", "rss_steady", "pss_steady"):
        assert getattr(costs, name) > 0, name


def test_a_start_that_nobody_told_is_absent(task):
    assert isinstance(measure(task, frames).costs.start_ns, Absent)


def test_frames_that_come_through_the_pipe_are_the_frames(task):
    expected = frames()
    stream = io.BytesIO(json.dumps(task.to_json()).encode() + b"\n" + expected.tobytes())
    assert len(worker._serve(stream).inference_ns) == WORKLOAD.frames


def test_a_round_reads_back_with_what_is_absent(make_round):
    measured = make_round(1, 2, memory_peak=Absent("no /proc here"))
    assert Round.from_json(measured.to_json()) == measured


@pytest.mark.parametrize("change", [{"inference_ns": []}, {"load_ns": None}, {"memory_peak": None}])
def test_a_damaged_round_is_refused(make_round, change):
    with pytest.raises(ValueError, match="round"):
        Round.from_json({**make_round(1).to_json(), **change})


@pytest.mark.parametrize(
    "change", [{"frames": 0}, {"rounds": 0}, {"warmup": -1}, {"threads": True}, {"frame_width": 8}]
)
def test_a_workload_that_measures_nothing_is_refused(change):
    with pytest.raises(ValueError, match="not a whole number"):
        replace(WORKLOAD, **change)


def test_the_synthetic_frames_are_the_same_every_time_and_differ_among_each_other():
    first, second = synthetic_frames(WORKLOAD), synthetic_frames(WORKLOAD)
    assert first.shape == (4, 32, 48, 3)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
