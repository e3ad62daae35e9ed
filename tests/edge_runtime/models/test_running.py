"""A run that follows its store: trials by frames, and models taken between two frames."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from edge_runtime.classifier import Classifier
from edge_runtime.errors import SourceError
from edge_runtime.models import StoreClassifier
from edge_runtime.sinks.trial import TrialSink
from edge_runtime.sources import CaptureTime, Frame
from edge_runtime.sources.base import SourceStatus
from tests.edge_runtime import tiny_graphs

FRAMES = 3


def frame():
    image = np.ascontiguousarray(tiny_graphs.golden_images(1)[0])
    return Frame(image, "camera", 0, CaptureTime.now(), "camera")


@pytest.fixture
def running(starter):
    """Function that makes a classifier of the store that looks at the record at every frame."""

    def make(engine="onnx", **options):
        return StoreClassifier(starter(engine), trial_frames=FRAMES, watch_seconds=0, **options)

    return make


def frames_until(classifier, condition, most=20_000):
    """Classify until `condition(prediction)`; the predictions on the way, none missing."""
    predictions = []
    for _ in range(most):
        predictions.append(classifier.classify(frame()))
        if condition(predictions[-1]):
            return predictions
        # The other model is prepared by a thread that wants the interpreter, too.
        for thread in threading.enumerate():
            if thread.name == "model":
                thread.join(0.01)
    raise AssertionError("it never happened")


def test_a_model_on_trial_proves_itself_by_good_frames(running, store, proven, installed):
    first, second = proven("first"), installed("second")
    store.update(lambda record: record.choose(second))
    with running() as classifier:
        for _ in range(FRAMES):
            assert store.selection().good == first
            assert classifier.classify(frame()).model.sha256 == second
        assert store.selection().good == second
        assert not classifier.on_trial


def test_a_proven_model_writes_nothing(running, store, proven):
    proven("first")
    mark = store.selection_mark()
    with running() as classifier:
        for _ in range(2 * FRAMES):
            classifier.classify(frame())
    assert store.selection_mark() == mark


def test_a_model_chosen_meanwhile_is_taken_between_two_frames(running, store, proven, installed):
    first, second = proven("first"), installed("second")
    with running() as classifier:
        assert classifier.classify(frame()).model.sha256 == first
        store.update(lambda record: record.choose(second))
        seen = frames_until(classifier, lambda prediction: prediction.model.sha256 == second)
        assert {prediction.model.sha256 for prediction in seen[:-1]} == {first}
        assert classifier.bundle.sha256 == second
        assert store.selection().starts == 1
        frames_until(classifier, lambda prediction: not classifier.on_trial)
    assert store.selection().good == second


@pytest.mark.parametrize(("name", "engine"), [("wrong", "onnx"), ("crashing", "litert")])
def test_a_model_that_fails_its_test_meanwhile_changes_nothing(
    running, store, reports, proven, installed, name, engine
):
    first, failing = proven("first"), installed(name)
    with running(engine) as classifier:
        store.update(lambda record: record.choose(failing))
        seen = frames_until(classifier, lambda prediction: store.selection().trial is None)
        seen += [classifier.classify(frame()) for _ in range(FRAMES)]
        assert {prediction.model.sha256 for prediction in seen} == {first}
    assert list(store.selection().failed) == [failing]
    assert any("failed its trial" in report for report in reports)


def test_a_rollback_is_taken_while_running(running, store, proven):
    first, second = proven("first"), proven("second")
    with running() as classifier:
        assert classifier.classify(frame()).model.sha256 == second
        store.update(lambda record: record.roll_back())
        frames_until(classifier, lambda prediction: prediction.model.sha256 == first)
        assert not classifier.on_trial


def test_a_run_can_stay_with_its_model(running, store, proven, installed):
    first, second = proven("first"), installed("second")
    with running(follows=False) as classifier:
        store.update(lambda record: record.choose(second))
        for _ in range(FRAMES):
            assert classifier.classify(frame()).model.sha256 == first


def test_a_model_that_fails_on_a_frame_gives_way_at_that_frame(
    running, store, proven, installed, monkeypatch
):
    first, second = proven("first"), installed("second")
    store.update(lambda record: record.choose(second))
    classify = Classifier.classify

    def fail(self, picture):
        if self.bundle.sha256 == second:
            raise RuntimeError("the kernel is not there")
        return classify(self, picture)

    with running() as classifier:
        classifier.classify(frame())
        monkeypatch.setattr(Classifier, "classify", fail)
        assert classifier.classify(frame()).model.sha256 == first
    assert store.selection().failed == {second: "it failed on a frame (the kernel is not there)"}


@pytest.mark.parametrize("error", [None, SourceError("the camera is gone.")])
def test_a_run_that_ends_in_order_is_not_held_against_the_trial(
    running, store, proven, installed, error
):
    proven("first")
    second = installed("second")
    store.update(lambda record: record.choose(second))
    try:
        with running() as classifier:
            classifier.classify(frame())
            assert store.selection().starts == 1
            if error:
                raise error
    except SourceError:
        pass
    assert (store.selection().trial, store.selection().starts) == (second, 0)


def test_a_camera_that_is_away_is_not_held_against_the_trial(running, store, proven, installed):
    proven("first")
    second = installed("second")
    store.update(lambda record: record.choose(second))
    with running() as classifier:
        sink = TrialSink(classifier)
        for state, starts in (("lost", 0), ("live", 1)):
            sink.source_changed(SourceStatus(state, "camera", CaptureTime.now(), "", 1))
            assert store.selection().starts == starts


def test_a_run_that_is_killed_counts_against_the_trial(store, proven, installed):
    proven("first")
    second = installed("second")
    store.update(lambda record: record.choose(second))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "edge_runtime.infer.cli", "--state-dir", store.root),
            *("--source", "synthetic:?width=64&height=48", "--engine", "onnx", "--jsonl", "-"),
            *("--trial-frames", "1000000000"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert second.encode() in process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert (store.selection().trial, store.selection().starts) == (second, 1)


def test_ending_while_another_model_is_tested_ends_the_test_and_blames_nobody(
    running, store, proven, installed
):
    proven("first")
    second = installed("second")
    with running() as classifier:
        store.update(lambda record: record.choose(second))
        classifier.classify(frame())
    assert not [thread for thread in threading.enumerate() if thread.name == "model"]
    assert (store.selection().trial, store.selection().starts) == (second, 0)


def test_a_damaged_record_is_told_and_the_run_goes_on(running, store, reports, proven):
    first = proven("first")
    with running() as classifier:
        (store.root / "selection.json").write_text("{")
        for _ in range(FRAMES):
            assert classifier.classify(frame()).model.sha256 == first
        assert sum("is damaged" in report for report in reports) == 1
