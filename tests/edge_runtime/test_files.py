"""Outputs are whole or absent, whatever happens while they are written."""

from __future__ import annotations

import os

import pytest

from edge_runtime.errors import OutputError, Terminated
from edge_runtime.files import (
    atomic_directory,
    atomic_path,
    atomic_write_bytes,
    atomic_write_text,
    refuse_existing,
    refuse_unwritable,
    sha256_bytes,
    sha256_file,
    wrote,
)


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_with_its_folder(tmp_path):
    atomic_write_text(tmp_path / "a" / "b.txt", "grün")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "grün".encode()
    assert _names(tmp_path / "a") == ["b.txt"]


def test_hashes_of_a_file_and_of_its_bytes_agree(tmp_path):
    data = os.urandom(3_000_000)
    atomic_write_bytes(tmp_path / "x", data)
    assert sha256_file(tmp_path / "x") == sha256_bytes(data)


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, Terminated])
def test_a_stopped_write_leaves_the_previous_file(tmp_path, stop):
    target = tmp_path / "result.json"
    atomic_write_text(target, "old")
    with pytest.raises(stop), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise stop
    assert target.read_text() == "old"
    assert _names(tmp_path) == ["result.json"]


def test_the_temporary_name_keeps_the_suffix(tmp_path):
    with atomic_path(tmp_path / "film.mp4") as temporary:
        assert temporary.suffix == ".mp4"
        temporary.write_bytes(b"1")


def test_a_folder_cannot_be_overwritten_by_a_file(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        atomic_write_text(tmp_path, "x")


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="in the way"):
        atomic_write_text(tmp_path / "file" / "out.txt", "x")


def test_a_directory_appears_whole(tmp_path):
    with atomic_directory(tmp_path / "m.edge") as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "x").write_text("1")
        assert not (tmp_path / "m.edge").exists()
    assert (tmp_path / "m.edge" / "sub" / "x").read_text() == "1"
    assert _names(tmp_path) == ["m.edge"]


def test_an_existing_directory_needs_force(tmp_path):
    (tmp_path / "m.edge").mkdir()
    (tmp_path / "m.edge" / "old").touch()
    with pytest.raises(OutputError, match="--force"), atomic_directory(tmp_path / "m.edge"):
        pass
    assert _names(tmp_path / "m.edge") == ["old"]


def test_force_replaces_the_whole_directory(tmp_path):
    (tmp_path / "m.edge").mkdir()
    (tmp_path / "m.edge" / "old").touch()
    with atomic_directory(tmp_path / "m.edge", force=True) as folder:
        (folder / "new").touch()
    assert _names(tmp_path / "m.edge") == ["new"]
    assert _names(tmp_path) == ["m.edge"]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, Terminated])
def test_a_stopped_directory_leaves_the_previous_one(tmp_path, stop):
    (tmp_path / "m.edge").mkdir()
    (tmp_path / "m.edge" / "old").touch()
    with pytest.raises(stop), atomic_directory(tmp_path / "m.edge", force=True) as folder:
        (folder / "new").touch()
        raise stop
    assert _names(tmp_path / "m.edge") == ["old"]
    assert _names(tmp_path) == ["m.edge"]


def test_an_empty_folder_may_be_written_into(tmp_path):
    refuse_existing(tmp_path, force=False)


@pytest.mark.parametrize("names", [["a.jpg"], ["report.json", "a.jpg"], ["extra.png"]])
def test_force_replaces_nothing_but_an_earlier_output(tmp_path, names):
    out = tmp_path / "out"
    out.mkdir()
    for name in names:
        (out / name).touch()
    is_earlier = wrote("report.json", also=("extra.png",))
    with pytest.raises(OutputError, match="not replaced"), atomic_directory(out, True, is_earlier):
        pass
    assert _names(out) == sorted(names)


def test_an_earlier_output_is_replaced_with_force_alone(tmp_path):
    (tmp_path / "report.json").touch()
    is_earlier = wrote("report.json", also=("extra.png",))
    refuse_existing(tmp_path, True, is_earlier)
    with pytest.raises(OutputError, match="--force"):
        refuse_existing(tmp_path, False, is_earlier)


def test_a_place_that_cannot_be_written_is_found_before_the_work(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        refuse_unwritable("/proc/saliedge/report.json")
    refuse_unwritable(tmp_path / "new" / "folder", folder=True)
    assert _names(tmp_path / "new") == []
    with pytest.raises(OutputError, match="is a folder"):
        refuse_unwritable(tmp_path / "new")


def test_a_full_disk_is_one_sentence():
    with pytest.raises(OutputError, match="disk is full"), atomic_path("/dev/shm/x.part") as path:
        path.write_bytes(b"")
        with open("/dev/full", "wb") as full:  # noqa: PTH123
            full.write(b"x" * 100_000)
