"""The record of a run, whole after every epoch and without what a resumed run will do again."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from train.run.directory import RunDirectory
from train.run.log import EpochRecord, Finding, RunLog
from train.sinks import RunSink

DRIFT, NOISE = Finding("drift", "they drift."), Finding("noise", "it is noisy.")


class Followed(RunSink):
    """Remembers what it is given."""

    def __init__(self) -> None:
        self.figures: dict[int, dict[str, float]] = {}
        self.notes: list[tuple[int, str]] = []

    def begin(self, parameters, artifacts) -> None:
        pass

    def epoch(self, epoch, figures) -> None:
        self.figures[epoch] = dict(figures)

    def note(self, epoch, sentence) -> None:
        self.notes.append((epoch, sentence))

    def close(self, *, finished) -> None:
        pass


def record(epoch: int, phase: str = "quantized", **figures: float) -> EpochRecord:
    missing = dict.fromkeys(
        ("loss", "cross_entropy", "divergence", "saliency_l1", "alpha_penalty", "train_accuracy")
    )
    values = {
        "val_loss": 0.5,
        "val_accuracy": 0.9,
        "val_macro_sensitivity": 0.8,
        **missing,
        **figures,
    }
    return EpochRecord(epoch=epoch, phase=phase, seconds=1.0, rate=0.1, **values)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


def test_history_is_what_the_file_holds(run: RunDirectory) -> None:
    log = RunLog(run, 0)
    log.write(record(1, "float", loss=0.123456789))
    log.write(record(1, "calibrated"), {"stem": 6.0}, {"stem": 0.25})
    log.write(record(2), {"stem": 5.0}, {"stem": 0.5})
    assert [row["phase"] for row in rows(run.log)] == ["float", "calibrated", "quantized"]
    assert [row["epoch"] for row in log.history("calibrated", "quantized")] == [1.0, 2.0]
    (first,) = log.history("float")
    assert first["loss"] == 0.123457
    assert "divergence" not in first
    assert [row["clipped_share"] for row in rows(run.ranges)] == ["0.25", "0.5"]


def test_epochs_that_come_again_are_dropped(run: RunDirectory) -> None:
    log = RunLog(run, 0)
    for epoch in (1, 2, 3):
        log.write(record(epoch))
        log.note(record(epoch), [DRIFT])
    again = RunLog(run, 1)
    assert len(again.history("quantized")) == 1
    again.write(record(2))
    again.note(record(2), [])
    assert [row["epoch"] for row in rows(run.log)] == ["1", "2"]
    assert [row["epoch"] for row in rows(run.findings)] == ["1"]


def test_a_finding_is_told_when_it_is_new_and_kept_each_time(run: RunDirectory) -> None:
    log = RunLog(run, 0)
    assert log.note(record(1), [DRIFT]) == (DRIFT,)
    assert log.note(record(2), [DRIFT, NOISE]) == (NOISE,)
    assert RunLog(run, 2).note(record(3), [NOISE]) == ()
    assert log.note(record(3), []) == ()
    assert log.note(record(4), [DRIFT]) == (DRIFT,)
    kept = [(row["epoch"], row["finding"], row["sentence"]) for row in rows(run.findings)]
    assert ("2", "drift", "they drift.") in kept


def test_what_follows_the_run_gets_figures_clips_and_sentences(run: RunDirectory) -> None:
    sink = Followed()
    log = RunLog(run, 0, [sink])
    log.write(record(1, divergence=0.25), {"stem": 6.0})
    log.note(record(1), [DRIFT])
    assert sink.figures[1]["epoch/divergence"] == 0.25
    assert sink.figures[1]["alpha/stem"] == 6.0
    assert "epoch/saliency_l1" not in sink.figures[1]
    assert sink.notes == [(1, "they drift.")]
