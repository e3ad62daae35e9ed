"""A whole study on synthetic pictures, as a user runs it: every stage, no skill."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime import cli
from tests.commands import Ending, runner
from train.study.plan import Plan
from train.study.records import Record, read_records

ROWS = "float,ptq_w4a4,pact_sgt_w8a8,pact_sgt_w8a8_k00,pact_w8a8"
DATA = "synthetic:?count=48&size=32"
RECIPE = """
[network]
backbone = "small_cnn"
height = 32
width = 32
[quantization]
calibration_images = 16
[optimizer]
epochs_float = 1
epochs = 1
"""
# Kills itself with SIGKILL at the Nth clipping of gradients, in the middle of an epoch.
_KILLED = """
import os, signal, sys
import train.loop.learner as learner
from edge_runtime.cli import main

original, left = learner.clip_gradients, [int(sys.argv[1])]

def counted(*arguments):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments)

learner.clip_gradients = counted
main(sys.argv[2:])
"""


def arguments(folder: Path, *more: object, rows: str = ROWS) -> list[str]:
    places = ("--out", folder / "study", "--work", folder / "work", "--threads", 1)
    return [str(word) for word in ("study", "--data", DATA, *places, "--rows", rows, *more)]


def new_study(folder: Path, rows: str = ROWS) -> list[str]:
    (folder / "recipe.toml").write_text(RECIPE)
    recipe = ("--config", folder / "recipe.toml", "--folds", 2)
    return arguments(folder, *recipe, "--region", "display=0,0.675,0.3,1", rows=rows)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that was never interrupted; tests only read it."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.raises(SystemExit) as ended:
        cli.main(new_study(folder))
    assert ended.value.code == 0
    return folder


@pytest.fixture
def saliedge(capsys: pytest.CaptureFixture[str]):
    return runner(cli.main, capsys)


def computed(record: Record) -> Record:
    """What does not depend on how quick the machine was."""
    return dataclasses.replace(record, seconds={})


def test_every_image_is_tested_once_by_every_row(finished: Path) -> None:
    records = read_records(finished / "study")
    rows = {record.row for record in records.values()}
    # Masking nothing is PACT alone, and is run once.
    assert rows == {"float", "ptq_w4a4", "pact_sgt_w8a8", "pact_w8a8"}
    for row in rows:
        tested = [i for r in records.values() if r.row == row for i in r.images.index]
        assert sorted(tested) == list(range(48)), row


def test_the_rows_of_a_fold_branch_from_one_float_network(finished: Path) -> None:
    records = read_records(finished / "study").values()
    origins = {(record.fold, record.shared_sha256) for record in records}
    assert len(origins) == 2


def test_lesions_are_explained_and_compared_with_guesses(finished: Path) -> None:
    record = next(iter(read_records(finished / "study").values()))
    lesions = record.lesions
    assert record.lesion_class == "polyp"
    assert len(lesions.index) == sum(record.confusion[record.classes.index("polyp")])
    assert {len(getattr(lesions, field.name)) for field in dataclasses.fields(lesions)} == {
        len(lesions.index)
    }
    assert all(0 <= value <= 1 for value in (*lesions.area, *lesions.pointing, *lesions.gaussian))


def test_no_file_name_and_no_path_is_kept(finished: Path) -> None:
    study = finished / "study"
    for path in sorted(path for path in study.rglob("*") if path.is_file()):
        text = path.read_text()
        for secret in ("synthetic/", "synthetic:", str(finished), os.uname().nodename):
            assert secret not in text, (path, secret)


def test_what_is_done_is_skipped_and_the_report_made_again(finished: Path, saliedge) -> None:
    study = finished / "study"
    before = {path: path.stat().st_mtime_ns for path in (study / "rows").iterdir()}
    ending: Ending = saliedge(*arguments(finished))
    assert (ending.code, "every row is done" in ending.out) == (0, True), ending.err
    assert {path: path.stat().st_mtime_ns for path in (study / "rows").iterdir()} == before
    listed: Ending = saliedge(*arguments(finished, "--dry-run"))
    assert listed.out == "0 rows to do in 2 folds.\n"


def test_a_killed_study_goes_on_to_the_same_records(
    finished: Path, tmp_path: Path, saliedge
) -> None:
    rows = "float,pact_w8a8"
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, "5", *new_study(tmp_path, rows)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = read_records(tmp_path / "study")
    assert [record.row for record in done.values()] == ["float"]
    ending: Ending = saliedge(*arguments(tmp_path, rows=rows))
    assert ending.code == 0, ending.err
    whole = read_records(finished / "study")
    found = read_records(tmp_path / "study")
    assert len(found) == 4
    for key, record in found.items():
        assert computed(record) == computed(whole[key])


def test_checkpoints_may_be_deleted_and_a_lost_record_is_made_again(
    finished: Path, tmp_path: Path, saliedge
) -> None:
    shutil.copytree(finished / "study", tmp_path / "study")
    assert not (tmp_path / "work").exists()
    lost = next((tmp_path / "study" / "rows").glob("ptq_w4a4-fold1-*.json"))
    before = Record.read(lost)
    lost.unlink()
    ending: Ending = saliedge(*arguments(tmp_path))
    assert ending.code == 0, ending.err
    assert computed(Record.read(lost)) == computed(before)


def test_no_row_is_begun_that_would_not_be_finished(
    finished: Path, tmp_path: Path, saliedge
) -> None:
    (tmp_path / "study" / "rows").mkdir(parents=True)
    shutil.copy(finished / "study" / "study.toml", tmp_path / "study")
    known = next((finished / "study" / "rows").glob("float-fold0-*.json"))
    record = json.loads(known.read_text())
    record["seconds"] = {"training": 500.0, "measuring": 0.0, "shared": 500.0}
    (tmp_path / "study" / "rows" / known.name).write_text(json.dumps(record))
    ending: Ending = saliedge(*arguments(tmp_path, "--max-minutes", 1))
    assert ending.code == 0, ending.err
    # The first row is begun in any case, so that a study always goes on.
    assert len(read_records(tmp_path / "study")) == 2
    assert "stopped before pact_w8a8, fold 0" in ending.out


@pytest.mark.parametrize(
    ("more", "code", "named"),
    [
        (["--folds", "3"], 2, "edit it instead of giving --folds"),
        (["--rows", "pact9"], 2, "no row 'pact9'"),
        (["--max-minutes", "0"], 2, "leaves no time"),
        (["--data", "synthetic:?count=51&size=32"], 3, "does not hold the images"),
    ],
)
def test_a_mistake_is_named(
    finished: Path, saliedge, more: list[str], code: int, named: str
) -> None:
    ending: Ending = saliedge(*arguments(finished), *more)
    assert (ending.code, named in ending.err) == (code, True), ending.err


def test_a_study_needs_images_or_rows(saliedge, tmp_path: Path) -> None:
    assert "give --data" in saliedge("study", "--out", tmp_path).err
    assert saliedge("study", "--out", tmp_path, "--report-only").code == 4


def test_the_pinned_recipe_is_what_was_asked_for(finished: Path) -> None:
    plan = Plan.read(finished / "study" / "study.toml")
    assert plan.config().optimizer.epochs == 1
    assert plan.config().network.backbone == "small_cnn"
