"""A sweep of seconds: every stage, no skill; and plans and records without any training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from train.sweep.metric import METRICS
from train.sweep.plan import Plan, Trial
from train.sweep.records import EpochFigures, Outcomes, Status, TrialRecord
from train.sweep.space import parse_axis

DATA = "synthetic:?count=60&size=48"
RECIPE = """
[network]
backbone = "small_cnn"
height = 48
width = 48
[quantization]
calibration_images = 16
[optimizer]
epochs_float = 2
epochs = 1
batch_size = 16
[run]
threads = 1
tensorboard = false
"""


def made_plan(*vary: str, count: int | None = None, metric: str = "macro_sensitivity") -> Plan:
    base = {"data": {"source": DATA}, "network": {"backbone": "small_cnn"}}
    return Plan(base, tuple(map(parse_axis, vary)), count, 0, METRICS[metric])


def made_record(
    trial: Trial, hits: Sequence[int], *, status: Status = "finished", loss: float = 0.5
) -> TrialRecord:
    """A record of two classes whose images, which take turns at the classes, are hit or not."""
    label = tuple(index % 2 for index in range(len(hits)))
    predicted = tuple(c if hit else 1 - c for c, hit in zip(label, hits, strict=True))
    finished = status == "finished"
    return TrialRecord(
        name=trial.name,
        point=trial.point,
        entries=trial.entries,
        status=status,
        message="" if finished else "for a reason",
        history=(EpochFigures(1, 0.5, 0.5, 0.7), EpochFigures(2, 0.6, 0.6, 0.6)),
        best_epoch=2 if finished else None,
        outcomes=Outcomes(tuple(range(len(hits))), label, predicted, (loss,) * len(hits))
        if finished
        else Outcomes(),
        classes=("healthy", "ill"),
        split_sha256="5" * 64,
        seconds=90.0,
        attempts=1,
        code={"saliedge": "0.1.0", "sources_sha256": "c" * 64, "torch": "2"},
        machine={"architecture": "x86_64", "processor": "made", "threads": 1},
    )


@pytest.fixture
def four_trials() -> tuple[Plan, dict[str, TrialRecord]]:
    """The third of four trials is the best, the fourth was stopped."""
    plan = made_plan("lr=1e-4:1e-2:log", "k=0.3,0.5", count=4)
    shares = (10, 12, 18)
    records = [
        made_record(trial, [1] * hits + [0] * (20 - hits))
        for trial, hits in zip(plan.trials, shares, strict=False)
    ]
    records.append(made_record(plan.trials[3], (), status="stopped"))
    return replace(plan), {record.name: record for record in records}
