"""A run that is killed and resumed gives the weights of a run in one go, to the bit."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors import safe_open

from edge_runtime.errors import ArtifactError, DataError
from tests.train.conftest import tiny_config
from train.config import TrainConfig
from train.loop.trainer import resume
from train.run.directory import RunDirectory
from train.run.progress import plain_reporter
from train.run.resume_state import read_state

# Trains in processes that are forked one after the other, so that torch is imported once. For each
# `file=N` the process is killed just before it publishes a file of that name for the Nth time; for
# `step=N`, just before the Nth step; for `random=SEED`, from outside at moments that nobody chose,
# again and again, and then left alone to its end.
_KILLER = """
import os, pathlib, random, shutil, signal, sys, time
from pathlib import Path
import train.loop.learner as learner
from tests.train.loop.test_resume import averaged_config
from tests.train.conftest import tiny_config
from train.run.progress import quiet_reporter
from train.run.directory import RunDirectory
from train.loop.trainer import resume, train

LIVES = 6

def dies_at(owner, name, is_meant, left):
    original = getattr(owner, name)
    def counted(*arguments):
        nonlocal left
        left -= is_meant(*arguments)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments)
    setattr(owner, name, counted)

def live(run, config):
    with quiet_reporter() as reporter:
        if run.config.is_file():
            resume(run, reporter)
        else:
            train(config, run, reporter, force=True)

def forked(body, seconds=None):
    child = os.fork()
    if child == 0:
        body()
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

for moment in sys.argv[2:]:
    what, value = moment.split("=")
    run = RunDirectory(Path(sys.argv[1]) / moment)
    if what == "random":
        moments, started = random.Random(value), time.monotonic()
        whole = RunDirectory(Path(sys.argv[1]) / "whole")
        assert forked(lambda: live(whole, averaged_config())) == 0
        needed = time.monotonic() - started
        was_killed = False
        for _ in range(LIVES):
            seconds = moments.uniform(0.0, needed)
            status = forked(lambda: live(run, averaged_config()), seconds)
            assert status in (0, -signal.SIGKILL), status
            print(moment, status, flush=True)
            was_killed |= status != 0
            if not was_killed:  # it was done in less time than the whole run before: once more
                shutil.rmtree(run.path)
                needed /= 2
        assert forked(lambda: live(run, averaged_config())) == 0
        continue
    def body():
        if what == "step":
            dies_at(learner, "clip_gradients", lambda *_: True, int(value))
        else:
            is_meant = lambda path, target: Path(target).name == what
            dies_at(pathlib.Path, "replace", is_meant, int(value))
        live(run, tiny_config())
    assert forked(body) == -signal.SIGKILL, moment
"""


MOMENTS = {
    "in the first epoch": "step=2",
    "between tensors and record of the float phase": "last.json=2",
    "while the folded network is written": "float.json=1",
    "in the second quantised epoch": "step=11",
    "between tensors and record of the quantised phase": "last.json=4",
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run for each moment, and ``random`` that ended at last beside ``whole``."""
    folder = tmp_path_factory.mktemp("killed")
    moments = [*MOMENTS.values(), f"random={secrets.token_hex(4)}"]
    command = [sys.executable, "-c", _KILLER, str(folder), *moments]
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    print(finished.stdout)
    assert finished.returncode == 0, finished.stderr
    assert f"{-signal.SIGKILL}" in finished.stdout
    return folder


def averaged_config() -> TrainConfig:
    """The tiny run with all that a state can hold: averaged and kept weights."""
    config = tiny_config()
    return replace(config, optimizer=replace(config.optimizer, ema=0.9, patience=5))


def contents(path: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    """The header and the bits of every tensor."""
    with safe_open(path, framework="np") as archive:
        tensors = {name: archive.get_tensor(name).tobytes() for name in archive.keys()}  # noqa: SIM118
        return archive.metadata() or {}, tensors


def assert_same_runs(found: Path, expected: Path) -> None:
    """To the bit, and with nothing left over."""
    for name in ("float.safetensors", "best.safetensors", "last-quantized-0004.safetensors"):
        assert contents(found / name) == contents(expected / name), name
    for name in ("split.csv", "ranges.csv", "best.json"):
        assert (found / name).read_bytes() == (expected / name).read_bytes(), name
    names = [{path.name for path in folder.iterdir()} for folder in (found, expected)]
    assert names[0] == names[1]


def resume_run(folder: Path) -> None:
    with plain_reporter() as reporter:
        resume(RunDirectory(folder), reporter)


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_killed_and_resumed_is_as_in_one_go(tiny_run: Path, killed: Path, moment: str) -> None:
    assert read_state(killed / moment) is None or not read_state(killed / moment).finished
    resume_run(killed / moment)
    assert_same_runs(killed / moment, tiny_run)


def test_killed_again_and_again_at_random_it_is_as_in_one_go(killed: Path) -> None:
    (ended,) = killed.glob("random=*")
    assert_same_runs(ended, killed / "whole")


def test_a_finished_run_is_left_as_it_is(
    tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in tiny_run.iterdir()}
    resume_run(tiny_run)
    assert "finished already" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in tiny_run.iterdir()} == before


def test_a_folder_that_is_no_run_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="not a run"):
        resume_run(tmp_path)


@pytest.fixture
def unfinished(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of the tiny run, one epoch before its end."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in tiny_run.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    change_state(folder, finished=False, epochs_done=3)
    return folder


def change_state(folder: Path, **changes: object) -> None:
    record = json.loads((folder / "last.json").read_text())
    (folder / "last.json").write_text(json.dumps(record | changes))


def test_images_that_have_changed_are_refused(unfinished: Path) -> None:
    change_state(unfinished, images_sha256="0" * 64)
    with pytest.raises(DataError, match="have changed"):
        resume_run(unfinished)


def test_a_listing_that_has_changed_is_refused(unfinished: Path) -> None:
    config = (unfinished / "config.toml").read_text()
    (unfinished / "config.toml").write_text(config.replace("count=60", "count=63"))
    with pytest.raises(DataError, match="not those that"):
        resume_run(unfinished)


@pytest.mark.parametrize("damage", ["tensors", "record", "version", "config"])
def test_a_damaged_state_is_named(unfinished: Path, damage: str) -> None:
    if damage == "tensors":
        path = unfinished / "last-quantized-0004.safetensors"
        path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    elif damage == "record":
        path = unfinished / "last.json"
        path.write_text("{")
    elif damage == "version":
        path = unfinished / "last.json"
        change_state(unfinished, version=99)
    else:
        path = unfinished / "config.toml"
        path.write_text("[data]\n")
    with pytest.raises(ArtifactError, match=path.name.replace(".", r"\.")):
        resume_run(unfinished)
