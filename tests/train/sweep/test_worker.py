"""A trial on a worker: an ordinary run that reports, stops, resumes and fails as it should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.train.conftest import tiny_config
from train.config import TrainConfig
from train.loop.trainer import train
from train.run.directory import RunDirectory
from train.run.progress import quiet_reporter
from train.sweep.board import Verdict
from train.sweep.records import EpochFigures
from train.sweep.worker import Order, probe, run_trial

MARK = ".mark-0"
Report = Callable[[EpochFigures, bool], Verdict]


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """A trial whose folder the worker sees."""
    (tmp_path / MARK).touch()
    return Order("trial", {"k": 0.5}, {}, tiny_config(), 1, tmp_path, MARK, Path.cwd())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A plain training of the same configuration."""
    run = RunDirectory(tmp_path_factory.mktemp("plain") / "run")
    with quiet_reporter() as reporter:
        train(tiny_config(), run, reporter)
    return run


def go_on(_figures: EpochFigures, _is_last: bool) -> Verdict:
    return "go on"


def answering(verdict: Verdict, at: int, seen: list[int] | None = None) -> Report:
    def report(figures: EpochFigures, _is_last: bool) -> Verdict:
        if seen is not None:
            seen.append(figures.epoch)
        return verdict if figures.epoch == at else "go on"

    return report


def test_a_trial_is_a_plain_training_that_tells_its_epochs(
    order: Order, whole: RunDirectory
) -> None:
    told: list[tuple[int, bool]] = []

    def report(figures: EpochFigures, is_last: bool) -> Verdict:
        told.append((figures.epoch, is_last))
        return "go on"

    ending = run_trial(order, report)
    run = RunDirectory(order.out / "runs" / "trial")
    assert run.best_checkpoint.read_bytes() == whole.best_checkpoint.read_bytes()
    assert told == [(1, False), (2, False), (3, False), (4, True)]
    assert ending.record.status == "finished"
    assert len(ending.record.outcomes.label) == 6
    assert [epoch.epoch for epoch in ending.record.history] == [1, 2, 3, 4]
    assert ending.files is None


@pytest.mark.parametrize("verdict", ["stop", "superseded"])
def test_a_trial_that_ended_early_can_be_gone_on_with(
    order: Order, whole: RunDirectory, verdict: Verdict
) -> None:
    ended = run_trial(order, answering(verdict, at=3)).record
    assert (ended.status if ended else None) == ("stopped" if verdict == "stop" else None)
    seen: list[int] = []
    assert run_trial(order, answering("go on", 0, seen)).record.status == "finished"
    run = RunDirectory(order.out / "runs" / "trial")
    assert run.best_checkpoint.read_bytes() == whole.best_checkpoint.read_bytes()
    # The epochs before are told again, for who has forgotten them.
    assert seen == [1, 2, 3, 4]


def test_a_run_of_another_configuration_is_begun_anew(order: Order) -> None:
    run_trial(order, answering("stop", at=1))
    other = replace(order.config, run=replace(order.config.run, seed=7))
    assert run_trial(replace(order, config=other), go_on).record.status == "finished"
    assert RunDirectory(order.out / "runs" / "trial").read_config() == other


def test_without_a_shared_folder_the_run_comes_back_whole(
    order: Order, whole: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    apart = replace(order, out=tmp_path / "nowhere")
    ending = run_trial(apart, go_on)
    assert ending.files["best.safetensors"] == whole.best_checkpoint.read_bytes()
    assert "split.csv" in ending.files
    assert not list(tmp_path.glob("saliedge*/*"))


def diverging(config: TrainConfig) -> TrainConfig:
    return replace(config, optimizer=replace(config.optimizer, lr_float=1e30, clip_norm=0.0))


def broken(config: TrainConfig) -> TrainConfig:
    return replace(config, data=replace(config.data, source="nowhere"))


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [(diverging, "diverged", "not a number any more"), (broken, "failed", "nowhere")],
)
def test_an_error_is_the_ending_of_its_trial_alone(
    order: Order, change: Callable[[TrainConfig], TrainConfig], status: str, told: str
) -> None:
    record = run_trial(replace(order, config=change(order.config)), go_on).record
    assert record.status == status
    assert told in record.message


def test_a_bug_is_kept_with_its_traceback(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.sweep.worker.train", lambda *_, **__: 1 / 0)
    ending = run_trial(order, go_on)
    assert ending.record.message == "ZeroDivisionError: division by zero"
    assert "test_worker.py" in ending.details


def test_a_machine_tells_what_it_sees(order: Order) -> None:
    sees = probe("synthetic:?count=60&size=32", order.out, MARK)
    assert (sees.problem, sees.shares, len(sees.listing_sha256)) == ("", True, 64)
    blind = probe(str(order.out / "images"), order.out / "elsewhere", MARK)
    assert "images" in blind.problem
    assert not blind.shares
