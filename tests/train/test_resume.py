"""A run that is killed and resumed gives the weights of a run in one go, to the bit."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open

from edge_runtime.errors import ArtifactError, DataError
from train.progress import plain_reporter
from train.run_directory import RunDirectory
from train.trainer import resume

# Kills itself with SIGKILL just before the Nth call of a function: a rename that publishes a file,
# or the gradient clipping in the middle of an epoch.
_KILLED_RUN = """
import os, pathlib, signal, sys
from pathlib import Path
import train.session as session
from tests.train.conftest import tiny_config
from train.progress import plain_reporter
from train.run_directory import RunDirectory
from train.trainer import train

owner = {"replace": pathlib.Path, "clip_gradients": session}[sys.argv[2]]
original, left = getattr(owner, sys.argv[2]), [int(sys.argv[3])]

def counted(*arguments):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments)

setattr(owner, sys.argv[2], counted)
with plain_reporter() as reporter:
    train(tiny_config(), RunDirectory(Path(sys.argv[1])), reporter)
"""


def killed_run(folder: Path, function: str, call: int) -> None:
    command = [sys.executable, "-c", _KILLED_RUN, str(folder), function, str(call)]
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    assert finished.returncode == -signal.SIGKILL, finished.stderr


def contents(path: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    """The header and the bits of every tensor."""
    with safe_open(path, framework="np") as archive:
        tensors = {name: archive.get_tensor(name).tobytes() for name in archive.keys()}  # noqa: SIM118
        return archive.metadata() or {}, tensors


def resume_run(folder: Path) -> None:
    with plain_reporter() as reporter:
        resume(RunDirectory(folder), reporter)


@pytest.mark.parametrize(
    ("function", "call"),
    [
        pytest.param("clip_gradients", 2, id="in the first epoch"),
        pytest.param("replace", 8, id="between tensors and record of the float phase"),
        pytest.param("replace", 10, id="while the folded network is written"),
        pytest.param("clip_gradients", 11, id="in the second quantised epoch"),
        pytest.param("replace", 18, id="between tensors and record of the quantised phase"),
    ],
)
def test_killed_and_resumed_is_as_in_one_go(
    tiny_run: Path, tmp_path: Path, function: str, call: int
) -> None:
    killed_run(tmp_path / "run", function, call)
    resume_run(tmp_path / "run")
    for name in ("float.safetensors", "best.safetensors", "last-quantized-0004.safetensors"):
        assert contents(tmp_path / "run" / name) == contents(tiny_run / name), name
    for name in ("split.csv", "ranges.csv", "best.json"):
        assert (tmp_path / "run" / name).read_bytes() == (tiny_run / name).read_bytes(), name
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        path.name for path in tiny_run.iterdir()
    }


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
