"""bench board-report: all parts, in one file, and nothing personal in it."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.board_report import collect as module
from benchmarks.board_report.collect import KIND, PARTS
from benchmarks.merge.boards import read_boards
from edge_runtime.errors import DependencyError
from tests.pages import check_self_contained

SHORT = ("--minutes", "0.004", "--frames", "3", "--rounds", "1", "--threads", "1")


@pytest.fixture(scope="module")
def sent(tmp_path_factory, toy_bundle):
    """The file and the page that somebody with a telling home, user and folder would send."""
    folder = tmp_path_factory.mktemp("clinic-of-drbob") / "home" / "alice"
    shutil.copytree(toy_bundle, folder / "toy.edge")
    command = [
        sys.executable, "-m", "benchmarks", "board-report", folder / "toy.edge", *SHORT,
        "--out", folder / "board.json", "--html", folder / "board.html",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "HOME": str(folder),
        "USER": "alice",
        "LOGNAME": "alice",
        "TMPDIR": str(folder),
    }
    ended = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=environment,
        cwd=Path(__file__).parents[3], check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return folder


def test_every_part_is_there(sent):
    record = json.loads((sent / "board.json").read_bytes())
    assert record["kind"] == KIND
    assert all(record[name] and "absent" not in record[name] for name in PARTS)
    assert record["camera_pace"]["rate"] == 25
    assert record["camera_pace"]["configuration"]["saliency"] == "gradient"


def test_nothing_personal_is_in_the_file_or_the_page(sent):
    secrets = [
        "alice", "drbob", "/tmp", str(sent), socket.gethostname(),
        *(path.read_text().strip() for path in Path("/sys/class/net").glob("*/address")),
    ]  # fmt: skip
    if getpass.getuser() != "root":
        secrets.append(getpass.getuser())
    for path in ("/etc/machine-id", "/sys/class/dmi/id/product_uuid"):
        if Path(path).is_file():
            secrets.append(Path(path).read_text().strip())
    for name in ("board.json", "board.html"):
        text = (sent / name).read_text().lower()
        found = [secret for secret in secrets if secret and secret.lower() in text]
        assert found == [], name


def test_the_page_shows_every_part_and_loads_nothing(sent):
    page = (sent / "board.html").read_text()
    check_self_contained(page)
    assert page.count("<h2>") >= len(PARTS)
    assert "FULLY_CONNECTED" in page


def test_it_can_be_merged_with_others(sent):
    (report,) = read_boards([sent / "board.json"]).reports.values()
    assert report.bundle.file == "toy.edge"


def test_a_part_that_fails_leaves_its_reason_and_ends_with_10(
    bench, bundle_path, tmp_path, monkeypatch
):
    def fail(*arguments):
        raise DependencyError("no profiler here.")

    monkeypatch.setattr(module, "_profile", fail)
    path, page = tmp_path / "board.json", tmp_path / "board.html"
    ending = bench("board-report", bundle_path, *SHORT, "--out", path, "--html", page)
    assert ending.code == 10
    assert "profile: no profiler here." in ending.err
    assert json.loads(path.read_bytes())["profile"] == {"absent": "no profiler here."}
    assert "Absent: no profiler here." in page.read_text()
