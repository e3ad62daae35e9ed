"""The command as a user types it; what starts Ray does so in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edge_runtime import cli
from edge_runtime.errors import INTERRUPTED, IncompleteError
from tests.commands import runner
from tests.requirements import require_module, require_patience
from tests.train.sweep.conftest import DATA, RECIPE, made_plan, made_record
from tests.train.sweep.ray_cluster import session_of, until
from train.data import open_dataset
from train.row_file import ROWS_FOLDER
from train.sweep.plan import PLAN_FILE
from train.sweep.records import read_trials

NETWORK = """
from train.backbones import small_cnn

def made(classes, width=1.0):
    if width > 2:
        raise MemoryError("too wide for this machine")
    return small_cnn.SmallCnn(classes, width)
"""


@pytest.fixture
def saliedge(capsys: pytest.CaptureFixture[str]):
    return runner(cli.main, capsys)


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """A sweep in a folder of its own, as a program and its arguments."""
    (tmp_path / "recipe.toml").write_text(RECIPE)
    program = Path(sys.executable).with_name("saliedge")
    return [str(program), "sweep", "--data", DATA, "--config", "recipe.toml", "--out", "sweep"]


def test_a_trial_that_fails_ends_no_other_and_is_named(command: list[str], tmp_path: Path) -> None:
    require_module("ray", "ray")
    (tmp_path / "networks.py").write_text(NETWORK)
    varied = ["--backbone", "networks:made", "--vary", "width=1,3", "--lr-float", "1e-3"]
    ended = subprocess.run(
        [*command, *varied], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == IncompleteError.exit_code, ended.stderr
    assert "1 of 2 trials failed" in ended.stderr
    assert "too wide for this machine" in ended.stderr
    records = read_trials(tmp_path / "sweep")
    assert sorted((r.point["width"], r.status) for r in records.values()) == [
        (1.0, "finished"),
        (3.0, "failed"),
    ]
    assert (tmp_path / "sweep" / "best" / "best.safetensors").is_file()


def test_ctrl_c_keeps_what_is_finished_and_leaves_no_process(
    command: list[str], tmp_path: Path
) -> None:
    require_module("ray", "ray")
    require_patience("half a minute")
    # The first trial is over soon, the second would take an hour.
    varied = ["--parallel", "1", "--vary", "epochs_float=1,20000"]
    with subprocess.Popen(
        [*command, *varied], cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as sweep:
        until(lambda: len(list(tmp_path.glob("sweep/runs/*/last.json"))) == 2, "the second trial")
        os.killpg(sweep.pid, signal.SIGINT)
        _, told = sweep.communicate(timeout=120)
    assert (sweep.returncode, told.splitlines()[-1]) == (INTERRUPTED, "Interrupted.")
    assert [r.status for r in read_trials(tmp_path / "sweep").values()] == ["finished"]
    until(lambda: not session_of(sweep.pid), "the end of every process")


def test_a_dry_run_lists_the_trials(saliedge, tmp_path: Path) -> None:
    given = ("--data", DATA, "--backbone", "small_cnn", "--out", tmp_path / "sweep")
    varied = ("--vary", "bits=8,4", "--vary", "k=0.3,0.7")
    listed = saliedge("sweep", *given, *varied, "--dry-run")
    assert listed.code == 0, listed.err
    assert [line.split(maxsplit=4)[4] for line in listed.out.splitlines()[:-1]] == [
        "bits=8, k=0.3",
        "bits=8, k=0.7",
        "bits=4, k=0.3",
        "bits=4, k=0.7",
    ]
    assert listed.out.endswith("4 trials, 4 to do.\n")
    assert not (tmp_path / "sweep").exists()


@pytest.fixture
def over(tmp_path: Path) -> Path:
    """A sweep of two trials, both finished."""
    plan = replace(made_plan("k=0.3,0.5"), listing_sha256=open_dataset(DATA).listing_sha256)
    plan.write(tmp_path / PLAN_FILE)
    for trial in plan.trials:
        made_record(trial, [1, 0, 1, trial.number > 1]).write(tmp_path / ROWS_FOLDER)
    return tmp_path


@pytest.mark.parametrize(
    "given",
    [
        ("--report-only",),
        ("--resume",),
        ("--data", DATA, "--backbone", "small_cnn", "--vary", "guidance.k=0.5,0.3"),
    ],
)
def test_what_is_finished_is_not_run_again(saliedge, over: Path, given: tuple[str, ...]) -> None:
    # Nothing answers there, and nothing asks.
    told = saliedge("sweep", "--address", "127.0.0.1:1", "--out", over, *given)
    assert told.code == 0, told.err
    assert "k=0.5), macro sensitivity 75.0%" in told.out


def test_other_images_are_refused(saliedge, over: Path) -> None:
    given = ("--backbone", "small_cnn", "--vary", "k=0.3,0.5", "--out", over)
    told = saliedge("sweep", "--data", "synthetic:?count=90&size=48", *given)
    assert told.code == 3
    assert "choose another --out" in told.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 2, "nothing is varied"),
        (["--vary", "saliency.k=0.3,0.5"], 2, "there is no table [saliency]"),
        (["--vary", "k=0.3,0.5", "--vary", "guidance.k=0.1,0.2"], 2, "varied twice"),
        (["--vary", "k=0.3:0.5"], 2, "--trials"),
        (["--vary", "k=0.3,0.5", "--grace", "2"], 2, "--halving"),
        (["--vary", "k=0.3,0.5", "--address", "ray://host:1"], 2, "Ray's client"),
        (["--vary", "k=0.3,0.5", "--address", "127.0.0.1:1"], 5, "nothing answers"),
        (["--vary", "k=0.3,0.5", "--data", "nowhere"], 3, "nowhere"),
        (["--resume", "--vary", "k=0.3,0.5"], 2, "leave out --vary"),
        (["--resume", "--metric", "loss"], 2, "leave out --metric"),
        (["--resume", "--lr", "1e-3"], 2, "leave out --lr"),
    ],
)
def test_what_is_wrong_is_told_before_anything_starts(
    saliedge, tmp_path: Path, arguments: list[str], code: int, told: str
) -> None:
    given = [] if "--resume" in arguments else ["--data", DATA, "--backbone", "small_cnn"]
    ended = saliedge("sweep", "--out", tmp_path / "sweep", *given, *arguments)
    assert (ended.code, told in ended.err) == (code, True), ended.err
    assert not (tmp_path / "sweep" / "runs").exists()


def test_a_folder_that_holds_something_else_is_left_alone(saliedge, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    given = ("--data", DATA, "--backbone", "small_cnn", "--vary", "k=0.3,0.5")
    assert saliedge("sweep", *given, "--out", tmp_path).code == 7
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
