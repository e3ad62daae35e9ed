"""What the doctor says about the disk and the models."""

from __future__ import annotations

import os

from edge_runtime.doctor import storage


def test_the_free_space_is_that_of_the_nearest_folder(system, tmp_path):
    (finding,) = storage.disk(system(state=tmp_path / "not" / "yet"))
    assert finding.text.endswith(f"MB are free at {tmp_path}")


def test_a_full_disk_is_a_warning(system, monkeypatch):
    full = os.statvfs_result((4096, 4096, 1000, 10, 10, 0, 0, 0, 0, 255))
    monkeypatch.setattr("os.statvfs", lambda path: full)
    assert storage.disk(system())[0].status == "warning"


def test_a_read_only_disk_is_a_note(system, monkeypatch):
    mounted = os.statvfs_result((4096, 4096, 10**6, 10**6, 10**6, 0, 0, 0, os.ST_RDONLY, 255))
    monkeypatch.setattr("os.statvfs", lambda path: mounted)
    assert "read-only" in storage.disk(system())[1].text


def test_the_models_are_told(system, store, proven, installed):
    proven("first")
    second = installed("second")
    store.update(lambda record: record.choose(second).give_up(second, "it crashed"))
    failed, runs = storage.models(system(state=store.root))
    assert (failed.status, failed.text) == (
        "warning", f"second {second[:12]} failed its trial: it crashed",
    )  # fmt: skip
    assert runs.text.startswith("first ")


def test_a_damaged_model_is_a_warning(system, store, proven):
    sha256 = proven("first")
    (store.root / "models" / sha256 / "bundle.json").write_text("{}")
    assert storage.models(system(state=store.root))[0].status == "warning"


def test_a_damaged_record_is_a_problem(system, store, proven):
    proven("first")
    (store.root / "selection.json").write_text("rot")
    (finding,) = storage.models(system(state=store.root))
    assert finding.status == "problem"
