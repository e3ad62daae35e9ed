"""Installing into the store, finding, and removing."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil

import pytest

from edge_runtime.bundle import open_bundle
from edge_runtime.errors import ArtifactError, GateError, OutputError
from edge_runtime.models import ModelStore, Selection
from tests.edge_runtime.models.bundles import write_named


def _install(store, path, test=lambda folder: None):
    return store.install(open_bundle(path), test)


def _folders(store):
    return sorted(path.name for path in (store.root / "models").iterdir())


def test_a_bundle_is_kept_under_its_hash(store, shelf):
    source = open_bundle(shelf("first"))
    assert _install(store, source.path)
    assert _folders(store) == [source.sha256]
    assert store.open(source.sha256).verify_files().passed
    assert [(model.name, model.sha256) for model in store.installed()] == [("first", source.sha256)]


def test_installing_does_not_choose(store, installed):
    installed("first")
    assert store.selection() == Selection()


def test_a_bundle_is_installed_once(store, shelf):
    assert _install(store, shelf("first"))
    assert not _install(store, shelf("first"))
    assert len(_folders(store)) == 1


def test_a_damaged_copy_is_replaced(store, shelf, installed):
    sha256 = installed("first")
    (store.root / "models" / sha256 / "int8.onnx").write_bytes(b"rot")
    assert _install(store, shelf("first"))
    assert store.open(sha256).verify_files().passed
    assert _folders(store) == [sha256]


@pytest.mark.parametrize("harm", ["changed", "missing", "extra"])
def test_a_bundle_that_is_not_as_exported_is_refused(store, shelf, tmp_path, harm):
    copy = shutil.copytree(shelf("first"), tmp_path / "copy.edge")
    if harm == "missing":
        (copy / "int8.onnx").unlink()
    else:
        (copy / {"changed": "int8.onnx", "extra": "notes.txt"}[harm]).write_bytes(b"x")
    with pytest.raises(ArtifactError, match=harm):
        _install(store, copy)
    assert _folders(store) == []


def test_a_bundle_that_fails_its_test_leaves_nothing(store, shelf):
    def fail(folder):
        assert open_bundle(folder).verify_files().passed  # the copy is whole when it is tested
        raise GateError("it computes something else.")

    with pytest.raises(GateError):
        _install(store, shelf("first"), fail)
    assert _folders(store) == []
    assert store.installed() == []


def test_a_bundle_that_changed_in_the_store_is_not_opened(store, installed, shelf):
    sha256 = installed("first")
    shutil.copy(shelf("second") / "bundle.json", store.root / "models" / sha256)
    with pytest.raises(ArtifactError, match="not the file that was installed"):
        store.open(sha256)
    assert "not the file that was installed" in store.installed()[0].problem


def test_a_model_is_found_by_its_name_or_the_beginning_of_its_hash(store, installed):
    first, second = installed("first"), installed("second")
    assert store.find("first") == first
    assert store.find(second[:8].upper()) == second


@pytest.mark.parametrize("reference", ["third", "", "../first"])
def test_a_model_that_is_not_there_is_told_with_what_is(store, installed, reference):
    sha256 = installed("first")
    with pytest.raises(ArtifactError, match=rf"there is: {sha256[:12]} \(first\)"):
        store.find(reference)


def test_two_models_of_one_name_are_told_apart_by_hash(store, installed, tmp_path):
    installed("first")
    _install(store, write_named(tmp_path / "again.edge", "first", temperature=2.0))
    with pytest.raises(ArtifactError, match="give a hash"):
        store.find("first")


def test_a_removed_model_is_gone_and_forgotten(store, installed):
    first, second = installed("first"), installed("second")
    store.update(lambda record: record.choose(first).prove(first).choose(second).prove(second))
    store.remove(first)
    assert _folders(store) == [second]
    assert store.selection() == Selection(good=second)


def test_a_model_in_use_is_not_removed(store, proven):
    sha256 = proven("first")
    with pytest.raises(ArtifactError, match="is in use"):
        store.remove(sha256)
    assert _folders(store) == [sha256]


def test_only_one_command_changes_the_models_at_a_time(store, installed, shelf):
    installed("first")
    with (store.root / ".install.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="Another command"):
            _install(store, shelf("second"))


def test_what_a_killed_installation_left_is_cleared_by_the_next(store, installed):
    installed("first")
    (store.root / "models" / ".half.partial-0" / "deep").mkdir(parents=True)
    installed("second")
    assert not any(name.startswith(".") for name in _folders(store))


def test_the_mark_changes_with_every_change_of_the_record(store, installed):
    sha256 = installed("first")
    marks = [store.selection_mark()]
    for change in ("choose", "start", "prove"):
        store.update(lambda record, change=change: getattr(record, change)(sha256))
        marks.append(store.selection_mark())
    assert len(set(marks)) == len(marks)


def test_a_record_that_stays_the_same_is_not_written(store, proven):
    proven("first")
    mark = store.selection_mark()
    store.update(lambda record: record.start("f" * 64))
    assert store.selection_mark() == mark


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 9}', "[" * 100_000])
def test_a_damaged_record_is_told_with_its_remedy(store, text):
    store.root.mkdir()
    (store.root / "selection.json").write_text(text)
    with pytest.raises(ArtifactError, match="remove it and choose a model"):
        store.selection()


def test_a_pipe_in_place_of_the_record_is_not_waited_for(store):
    store.root.mkdir()
    os.mkfifo(store.root / "selection.json")
    with pytest.raises(ArtifactError, match="is damaged"):
        store.selection()


def test_a_store_on_a_read_only_disk_can_be_read(store, proven, monkeypatch):
    sha256 = proven("first")
    open_file = os.open

    def refuse(path, flags, *arguments, **keywords):
        if flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, "Read-only file system")
        return open_file(path, flags, *arguments, **keywords)

    monkeypatch.setattr("os.open", refuse)
    again = ModelStore(store.root)
    assert again.selection().good == sha256
    with pytest.raises(OutputError, match="read-only"):
        again.update(lambda record: record.choose("b" * 64))


def test_a_later_signature_is_taken_over(store, shelf, installed, tmp_path):
    installed("first")
    copy = shutil.copytree(shelf("first"), tmp_path / "signed.edge")
    (copy / "bundle.sig").write_bytes(b"an envelope")
    assert not _install(store, copy)
    assert store.open(open_bundle(copy).sha256).read_signature() == b"an envelope"
