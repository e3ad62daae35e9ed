"""What dead writers left is cleared away, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edge_runtime.files import PendingFile, atomic_directory
from edge_runtime.leftovers import clear_leftovers, temporary_beside

_WRITE = """
import sys
from pathlib import Path
from edge_runtime.leftovers import temporary_beside
temporary = temporary_beside(Path(sys.argv[1]))
temporary.mkdir()
(temporary / "part").write_bytes(b"x")
print(temporary, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path):
    """A process that writes a folder for `first.edge` until it is killed, and the folder's path."""
    with subprocess.Popen(
        [sys.executable, "-c", _WRITE, tmp_path / "first.edge"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process, tmp_path / process.stdout.readline().strip()
        process.kill()


def test_a_killed_writers_folder_goes_with_the_next_one(writer, tmp_path):
    process, left = writer
    process.kill()
    process.wait()
    with atomic_directory(tmp_path / "first.edge") as folder:
        assert not left.exists()
        (folder / "whole").write_bytes(b"y")
    assert [path.name for path in tmp_path.iterdir()] == ["first.edge"]


def test_a_living_writers_folder_stays(writer, tmp_path):
    _, left = writer
    clear_leftovers(tmp_path / "first.edge")
    assert (left / "part").is_file()


def test_its_own_pending_file_stays(tmp_path):
    pending = PendingFile(tmp_path / "first.json")
    pending.path.write_bytes(b"x")
    clear_leftovers(tmp_path / "first.json")
    assert pending.path.is_file()


@pytest.mark.parametrize(
    "name",
    [
        ".first.partial-0badcafe.edge",  # nobody knows whose
        ".first.partial-00000000-1-1-0badcafe.edge",  # of another system
        ".second.partial-{}.edge",
        ".first.partial-{}.json",
        "first.partial-{}.edge",
    ],
)
def test_what_may_be_somebody_elses_stays(name, writer, tmp_path):
    process, left = writer
    process.kill()
    process.wait()
    tag = left.name.removeprefix(".first.partial-").removesuffix(".edge")
    other = tmp_path / name.format(tag)
    other.write_bytes(b"x")
    clear_leftovers(tmp_path / "first.edge")
    assert other.is_file() and not left.exists()


def test_a_number_that_is_another_process_by_now_is_dead(tmp_path):
    mine = temporary_beside(tmp_path / "first.edge")
    system, process, started, token = mine.name.split("partial-")[1].partition(".")[0].split("-")
    earlier = f".first.partial-{system}-{process}-{int(started) - 1}-{token}.edge"
    (tmp_path / earlier).mkdir()
    clear_leftovers(tmp_path / "first.edge")
    assert not (tmp_path / earlier).exists()
