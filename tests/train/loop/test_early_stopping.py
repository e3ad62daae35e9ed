"""A phase ends when it has not become better for a while, and its best epoch is what counts."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.train.conftest import Listener, tiny_config
from train.loop.trainer import resume, train
from train.run.directory import RunDirectory
from train.run.progress import plain_reporter
from train.run.resume_state import read_state

PATIENCE = 2
PLANNED = 9


@pytest.fixture(scope="module")
def listener() -> Listener:
    return Listener()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> Path:
    """A run whose rates are far too high, so that later epochs do not become better."""
    config = tiny_config()
    optimizer = replace(
        config.optimizer,
        epochs_float=PLANNED,
        epochs=PLANNED,
        lr_float=0.3,
        lr=0.3,
        ema=0.5,
        patience=PATIENCE,
    )
    guidance = replace(config.guidance, enabled=False)
    folder = tmp_path_factory.mktemp("runs") / "stopped"
    config = replace(config, optimizer=optimizer, guidance=guidance)
    train(config, RunDirectory(folder), listener)
    return folder


def rows(folder: Path, phase: str) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as stream:
        return [row for row in csv.DictReader(stream) if row["phase"] == phase]


def best_of(epochs: list[dict[str, str]]) -> dict[str, str]:
    """The first of the highest macro sensitivities, of equal ones the lowest loss."""
    return max(
        epochs, key=lambda row: (float(row["val_macro_sensitivity"]), -float(row["val_loss"]))
    )


@pytest.mark.parametrize("phase", ["float", "quantized"])
def test_a_phase_ends_so_many_epochs_after_its_best(stopped: Path, phase: str) -> None:
    epochs = rows(stopped, phase)
    assert len(epochs) < PLANNED
    assert int(epochs[-1]["epoch"]) - int(best_of(epochs)["epoch"]) == PATIENCE
    for count in range(PATIENCE, len(epochs)):
        assert int(epochs[count - 1]["epoch"]) - int(best_of(epochs[:count])["epoch"]) < PATIENCE


@pytest.mark.parametrize(("phase", "name"), [("float", "float"), ("quantized", "quantised")])
def test_an_early_end_is_told_with_the_epoch_that_is_kept(
    stopped: Path, listener: Listener, phase: str, name: str
) -> None:
    epochs = rows(stopped, phase)
    (told,) = [text for text in listener.messages if text.startswith(f"the {name} phase ends")]
    planned = PLANNED if phase == "float" else 2 * PLANNED
    assert f"after epoch {epochs[-1]['epoch']} of {planned}:" in told
    assert f"than epoch {best_of(epochs)['epoch']} (" in told


def test_the_best_float_epoch_is_gone_on_with(stopped: Path) -> None:
    folded = json.loads((stopped / "float.json").read_text())["metadata"]["validation"]
    best = best_of(rows(stopped, "float"))
    assert folded["loss"] == pytest.approx(float(best["val_loss"]), rel=1e-3)


def test_epochs_of_the_second_phase_keep_their_numbers(stopped: Path) -> None:
    assert rows(stopped, "quantized")[0]["epoch"] == str(PLANNED + 1)


def test_the_run_is_finished(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = read_state(stopped)
    assert state is not None
    assert state.finished
    with plain_reporter() as reporter:
        assert resume(RunDirectory(stopped), reporter) == state.best
    assert "finished already" in capsys.readouterr().out
