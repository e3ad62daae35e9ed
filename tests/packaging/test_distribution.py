"""The sdist and the wheel: the same bytes whoever builds them, and enough to build from."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from tests.wheel import ROOT, copy_checkout, outside

EPOCH = "1760000000"


def build(source: Path, out: Path, umask: int) -> dict[str, bytes]:
    """File name -> bytes of what `.ci/dist.py` builds from a copy of a source tree."""
    previous = os.umask(umask)
    try:
        built = outside(
            sys.executable, ROOT / ".ci" / "dist.py", "--source", source, "--out", out,
            SOURCE_DATE_EPOCH=EPOCH,
        )  # fmt: skip
    finally:
        os.umask(previous)
    assert built.returncode == 0, built.stdout + built.stderr
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    copy_checkout(folder / "source")
    build(folder / "source", folder / "out", umask=0o022)
    return folder / "out"


def test_two_builds_are_the_same_bytes(distribution: Path, tmp_path: Path) -> None:
    copy_checkout(tmp_path / "source")
    for path in (tmp_path / "source").rglob("*.py"):
        os.utime(path, (0, 10_000_000))  # another clock, and below another umask
    again = build(tmp_path / "source", tmp_path / "out", umask=0o077)
    assert again == {path.name: path.read_bytes() for path in distribution.iterdir()}
    assert {name.rpartition(".")[2] for name in again} == {"gz", "whl"}


def test_the_sdist_names_nobody_and_one_date(distribution: Path) -> None:
    with tarfile.open(next(distribution.glob("*.tar.gz"))) as archive:
        members = archive.getmembers()
    assert {member.mtime for member in members} == {int(EPOCH)}
    assert {(member.uid, member.gid, member.uname, member.gname) for member in members} == {
        (0, 0, "", "")
    }


def test_the_sdist_alone_builds_the_wheel(distribution: Path, tmp_path: Path) -> None:
    with tarfile.open(next(distribution.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    shutil.rmtree(source / "saliedge.egg-info")
    built = outside(
        sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, source,
        SOURCE_DATE_EPOCH=EPOCH,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.read_bytes() == (distribution / wheel.name).read_bytes()
