"""bench --host against a real SSH server."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.board_report.collect import PARTS
from benchmarks.report import read_report
from benchmarks.sustained.report import read_sustained

QUICK = ("--frames", 3, "--warmup", 1, "--rounds", 2, "--threads", 1)


def left_behind():
    """The temporary folders of runs on the board, which is this machine."""
    return set(Path("/tmp").glob("saliedge-bench.*"))


def test_a_bundle_is_measured_there_and_nothing_is_left(bench, bundle_path, remote, tmp_path):
    before, path, page = left_behind(), tmp_path / "report.json", tmp_path / "report.html"
    ending = bench(
        "--bundle", bundle_path, "--engine", "onnx", "--saliency", "none", *QUICK, *remote,
        "--json", path, "--html", page,
    )  # fmt: skip
    assert ending.code == 0, ending.err
    report = read_report(path)
    measured = [result.configuration.name for result in report.results]
    assert measured == ["onnx int8", "onnx float32"]  # the float reference went along
    assert report.workload.rounds == 2
    assert "onnx int8" in ending.out and "<svg" in page.read_text()
    assert left_behind() == before


def test_the_board_runs_the_package_that_was_sent(bench, bundle_path, remote, tmp_path):
    python, seen = tmp_path / "its python", tmp_path / "seen"
    python.write_text(f'#!/bin/sh\necho "$PYTHONPATH" >> "{seen}"\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    ending = bench(
        "--bundle", bundle_path, "--engine", "onnx", "--saliency", "none", *QUICK, *remote[:-1],
        python,
    )  # fmt: skip
    assert ending.code == 0, ending.err
    assert "/saliedge-bench." in seen.read_text().splitlines()[-1]


def test_a_long_run_goes_there_too(bench, bundle_path, remote, tmp_path):
    path = tmp_path / "run.json"
    ending = bench(
        "--bundle", bundle_path, "--minutes", 0.005, "--rate", 50, "--threads", 1, *remote,
        "--json", path,
    )  # fmt: skip
    assert ending.code == 0, ending.err
    assert read_sustained(path).rate == 50


def test_a_board_report_comes_back_whole(bench, bundle_path, remote, tmp_path):
    path = tmp_path / "board.json"
    ending = bench(
        "board-report", bundle_path, "--minutes", 0.003, "--frames", 2, "--rounds", 1,
        "--threads", 1, *remote, "--out", path,
    )  # fmt: skip
    assert ending.code == 0, ending.err
    record = json.loads(path.read_bytes())
    assert all("absent" not in record[name] for name in PARTS)


def test_a_name_that_a_shell_would_read_is_a_name(bench, bundle_path, remote, tmp_path):
    odd = bundle_path.rename(tmp_path / "a b'$(touch x);.edge")
    ending = bench(
        "--bundle", odd, "--engine", "litert", "--saliency", "none", *QUICK, *remote, "--json", "-"
    )
    assert ending.code == 0, ending.err
    assert json.loads(ending.out)["bundle"]["file"] == odd.name


def test_several_bundles_and_threads_go_there_in_one_run(bench, bundle_path, remote, tmp_path):
    other = tmp_path / "other.edge"
    shutil.copytree(bundle_path, other)
    ending = bench(
        "--bundle", bundle_path, "--bundle", other, "--engine", "litert", "--saliency", "none",
        "--frames", 2, "--rounds", 1, "--threads", 1, "--threads", 2, *remote, "--json", "-",
    )  # fmt: skip
    assert ending.code == 0, ending.err
    assert [result["name"] for result in json.loads(ending.out)["results"]] == [
        "litert int8, 1 thread, tiny.edge", "litert int8, 2 threads, tiny.edge",
        "litert int8, 1 thread, other.edge", "litert int8, 2 threads, other.edge",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        (("--host", "nowhere.invalid"), 5, "nowhere.invalid cannot be reached"),
        (("--host", "-oProxyCommand=x"), 2, "is no host"),
        (("--remote-python", "python9"), 5, "python9 is not there on board"),
        (("--remote-python", "/bin/false"), 5, "older than 3.11"),
        (("--engine", "tflite-runtime"), 5, "on board: "),
        (("--minutes", 0.01, "--camera", "99"), 6, "/dev/video99"),
    ],
)
def test_what_goes_wrong_there_is_one_sentence_here(
    bench, bundle_path, remote, changes, code, says
):
    ending = bench("--bundle", bundle_path, *QUICK, *remote, *changes)
    assert ending.code == code, ending.err
    assert says in ending.err
    assert ending.err.count("\n") == 1


def test_a_run_whose_user_has_gone_ends_and_cleans_up(bundle_path, remote, tmp_path):
    started = tmp_path / "started"
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\ncase "$*" in *benchmarks*) echo "$$ $PYTHONPATH" > "{started}" ;; esac\n'
        f'exec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    command = [
        sys.executable, "-m", "benchmarks", "--bundle", bundle_path, "--minutes", "60",
        *remote[:-1], python,
    ]  # fmt: skip
    client = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    _wait(lambda: started.is_file() and started.read_text().endswith("\n"))
    pid, _, package = started.read_text().strip().partition(" ")
    client.send_signal(signal.SIGTERM)
    client.wait()
    _wait(lambda: not Path(f"/proc/{pid}").exists())
    _wait(lambda: not Path(package).parent.exists())


def _wait(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
