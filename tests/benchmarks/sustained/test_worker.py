"""The long-running process, in this process: the product's loop on a real graph."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from benchmarks.configurations import Configuration
from benchmarks.sustained import windows
from benchmarks.sustained.windows import STAGES, Window
from benchmarks.sustained.worker import PreparedSource, SustainedTask, run_task
from benchmarks.workload import Workload, synthetic_frames
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import ArtifactError

WORKLOAD = Workload(frames=1, warmup=3, rounds=1, threads=1, frame_width=48, frame_height=32)


@pytest.fixture
def task(bundle_path):
    """A task of a tenth of a second in ten windows."""
    return SustainedTask(
        folder=str(bundle_path),
        sha256=open_bundle(bundle_path).sha256,
        configuration=Configuration("onnx", "int8", "none"),
        workload=WORKLOAD,
        seconds=0.1,
        window_seconds=0.01,
    )


def run(task):
    """The windows of a task, and its end."""
    told = []
    end = run_task(task, lambda: synthetic_frames(WORKLOAD), told.append)
    assert told[0] == {"begin": True}
    return [Window.from_json(answer["window"]) for answer in told[1:]], end


def test_windows_follow_each_other_until_the_time_is_over(task):
    found, end = run(task)
    starts = [window.seconds - window.duration for window in found]
    for window, start in zip(found, starts[1:], strict=False):
        assert start == pytest.approx(window.seconds)
    assert starts[0] == pytest.approx(0)
    assert found[-1].seconds >= task.seconds
    assert end["engine_version"]


@pytest.mark.parametrize(("saliency", "stages"), [("none", STAGES[:3]), ("gradient", STAGES)])
def test_a_map_is_drawn_and_its_stages_are_timed(task, saliency, stages):
    found, _ = run(replace(task, configuration=Configuration("litert", "int8", saliency)))
    assert all(tuple(window.stages_ms) == stages for window in found)


def test_frames_at_a_pace_are_lost_where_they_are_not_taken(task, monkeypatch):
    # Fifty thousand frames a second: nobody takes them all.
    found, end = run(replace(task, rate=50_000.0))
    assert end["dropped"] > 0
    assert sum(window.frames for window in found) > 0


def test_the_warm_up_is_not_counted(task, monkeypatch):
    sinks = []
    write = windows.WindowCollector.write
    monkeypatch.setattr(
        windows.WindowCollector, "write", lambda self, *a: sinks.append(1) or write(self, *a)
    )
    found, _ = run(task)
    assert sum(window.frames for window in found) == len(sinks) - WORKLOAD.warmup


def test_a_bundle_that_was_exchanged_is_refused(task):
    with pytest.raises(ArtifactError, match="changed while it was measured"):
        run(replace(task, sha256="0" * 64))


def test_a_task_survives_its_json(task):
    assert SustainedTask.from_json(task.to_json()) == task


def test_a_source_that_does_not_wait_is_live():
    source = PreparedSource(synthetic_frames(WORKLOAD), rate=1e6)
    assert source.live
    assert [frame.index for frame in itertools.islice(source, 6)] == list(range(6))
