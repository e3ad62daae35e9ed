"""Which model a run starts with, whatever happened to the one that was chosen."""

from __future__ import annotations

import pytest

from edge_runtime.bundle import open_bundle
from edge_runtime.errors import ArtifactError, DependencyError, SignatureError
from edge_runtime.models import TRIAL_STARTS, Selection
from tests.edge_runtime.models.bundles import write_named
from tests.requirements import require_module


@pytest.fixture
def started(starter):
    """Function that starts a run and returns the SHA-256 of its model."""

    def start(engine="onnx", **options):
        classifier = starter(engine, **options).start()
        classifier.close()
        return classifier.bundle.sha256

    return start


@pytest.fixture
def on_trial(store, installed):
    """Function that installs a model and chooses it; returns its SHA-256."""

    def choose(name):
        sha256 = installed(name)
        store.update(lambda record: record.choose(sha256))
        return sha256

    return choose


def test_the_good_model_runs(started, proven):
    assert proven("first") == started()


def test_a_model_on_trial_runs_and_its_start_is_on_record(started, store, proven, on_trial):
    proven("first")
    second = on_trial("second")
    assert started() == second
    assert (store.selection().trial, store.selection().starts) == (second, 1)


def test_a_model_that_crashes_the_engine_gives_way_to_the_last_good_one(
    started, store, proven, on_trial
):
    require_module("ai_edge_litert", "litert")
    first, crashing = proven("first"), on_trial("crashing")
    assert started("litert") == first
    assert "crashed on it (SIGSEGV)" in store.selection().failed[crashing]
    assert store.selection().wanted == first


def test_a_model_that_computes_something_else_gives_way(started, store, proven, on_trial):
    first, wrong = proven("first"), on_trial("wrong")
    assert started() == first
    assert "does not compute the expected outputs" in store.selection().failed[wrong]


def test_a_damaged_model_gives_way(started, store, proven, on_trial):
    first, second = proven("first"), on_trial("second")
    (store.root / "models" / second / "int8.onnx").write_bytes(b"rot")
    assert started() == first
    assert "is not the file that was exported" in store.selection().failed[second]


def test_a_model_that_ended_its_runs_too_often_gives_way(started, store, proven, on_trial):
    first, second = proven("first"), on_trial("second")
    for _ in range(TRIAL_STARTS):
        store.update(lambda record: record.start(second))  # and the process dies
    assert started() == first
    assert "never ended in order" in store.selection().failed[second]


def test_a_damaged_good_model_gives_way_to_the_one_before(started, store, reports, proven):
    first, second = proven("first"), proven("second")
    (store.root / "models" / second / "int8.onnx").write_bytes(b"rot")
    assert started() == first
    assert f"The good model {second[:12]} cannot be used" in reports[0]
    assert store.selection().good == second  # nothing is concluded from one start


def test_an_empty_store_says_what_to_do(started):
    with pytest.raises(ArtifactError, match="saliedge models install BUNDLE --use"):
        started()


def test_a_first_model_that_fails_leaves_no_model(started, store, on_trial):
    wrong = on_trial("wrong")
    with pytest.raises(ArtifactError, match="no model that works"):
        started()
    assert list(store.selection().failed) == [wrong]


def test_options_that_a_new_model_cannot_meet_say_nothing_about_it(
    started, store, proven, tmp_path
):
    first = proven("first")
    path = write_named(tmp_path / "other.edge", "other", classes=tuple("abc"), operating_points=())
    other = open_bundle(path)
    store.install(other, lambda folder: None)
    store.update(lambda record: record.choose(other.sha256))
    assert started(saliency="gradient", saliency_class="green") == first
    assert store.selection() == Selection(good=first, trial=other.sha256)


def test_a_model_that_nobody_who_is_trusted_signed_is_not_loaded(starter, store, proven, on_trial):
    first, second = proven("first"), on_trial("second")

    def verify(bundle):
        if bundle.sha256 == second:
            raise SignatureError("it is not signed.")

    classifier = starter(verify=verify).start()
    classifier.close()
    assert classifier.bundle.sha256 == first
    assert store.selection().failed == {second: "it is not signed."}


def test_a_trial_that_cannot_be_recorded_does_not_begin(started, store, proven, on_trial):
    first, second = proven("first"), on_trial("second")
    (store.root / ".lock").unlink()
    (store.root / ".lock").mkdir()  # no lock can be had, as on a read-only disk
    assert started() == first
    assert store.selection() == Selection(good=first, trial=second)


def test_an_engine_that_is_not_installed_is_said_and_no_model_is_blamed(
    started, store, proven, on_trial, monkeypatch
):
    first, second = proven("first"), on_trial("second")
    monkeypatch.setattr("edge_runtime.engines.registry.find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="not installed"):
        started()
    assert store.selection() == Selection(good=first, trial=second)
