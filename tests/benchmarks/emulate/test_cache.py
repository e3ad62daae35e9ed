"""The cache of userlands and wheels."""

from __future__ import annotations

import threading

import pytest

from benchmarks.emulate.cache import cached_folder
from edge_runtime.errors import OutputError


def test_an_entry_is_built_once(tmp_path):
    built = []

    def build(folder):
        built.append(folder)
        (folder / "file").write_text("content")

    first = cached_folder(tmp_path, "thing", ["key"], build)
    second = cached_folder(tmp_path, "thing", ["key"], build)
    assert first == second
    assert (first / "file").read_text() == "content"
    assert len(built) == 1


def test_another_key_is_another_entry(tmp_path):
    first, second = (
        cached_folder(tmp_path, "thing", [key], lambda folder: None) for key in ("a", "b")
    )
    assert first != second


def test_a_failed_build_leaves_nothing(tmp_path):
    def fail(folder):
        (folder / "half").write_text("")
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError):
        cached_folder(tmp_path, "thing", [], fail)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_two_at_once_build_once(tmp_path):
    built = []
    barrier = threading.Barrier(2)

    def build(folder):
        built.append(folder)

    def ask():
        barrier.wait()
        cached_folder(tmp_path, "thing", [], build)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is not a folder"):
        cached_folder(tmp_path / "file", "thing", [], lambda folder: None)
