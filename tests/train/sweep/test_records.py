"""Records are read as they were written, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.errors import ArtifactError
from tests.train.sweep.conftest import made_plan, made_record
from train.row_file import ROWS_FOLDER
from train.sweep.records import TrialRecord, read_trials
from train.sweep.runner import unfinished


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = made_record(made_plan("k=0.3,0.5").trials[0], [1, 0, 1])
    path = record.write(tmp_path / ROWS_FOLDER)
    assert TrialRecord.read(path) == record
    assert read_trials(tmp_path) == {record.name: record}


@pytest.mark.parametrize(
    ("before", "after"),
    [('"version": 1', '"version": 2'), ('"finished"', '"odd"'), ("{", ""), ('"epoch"', '"e"')],
)
def test_a_damaged_record_is_refused(tmp_path: Path, before: str, after: str) -> None:
    path = made_record(made_plan("k=0.3,0.5").trials[0], [1, 0, 1]).write(tmp_path)
    path.write_text(path.read_text().replace(before, after, 1))
    with pytest.raises(ArtifactError):
        TrialRecord.read(path)


def test_what_failed_is_run_again_and_nothing_else() -> None:
    plan = made_plan("k=0.1,0.2,0.3,0.4,0.5")
    statuses = ("finished", "stopped", "diverged", "failed")
    records = {
        trial.name: made_record(trial, [1, 0], status=status)
        for trial, status in zip(plan.trials, statuses, strict=False)
    }
    assert [trial.number for trial in unfinished(plan, records)] == [4, 5]
