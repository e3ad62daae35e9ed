"""Plans and records without any training."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from edge_runtime.metrics import Region
from train.config import resolve
from train.study.matrix import MATRIX
from train.study.plan import Plan
from train.study.records import Images, Lesions, Record


@pytest.fixture(scope="session")
def plan() -> Plan:
    """Two folds of the small CNN."""
    config = resolve({"data": {"source": "images"}, "network": {"backbone": "small_cnn"}})
    return Plan.of(config, 2, "f" * 64, Region("display", 0.0, 0.5, 0.5, 1.0))


def made_record(
    plan: Plan,
    row: str,
    fold: int,
    outcomes: Sequence[tuple[int, int]],
    *,
    first: int = 0,
    lesions: Lesions | None = None,
) -> Record:
    """A record of two classes whose images have these (label, predicted); each is its own group."""
    labels, predicted = zip(*outcomes, strict=True)
    numbers = tuple(range(first, first + len(outcomes)))
    confusion = tuple(
        tuple(sum(pair == (true, guess) for pair in outcomes) for guess in (0, 1))
        for true in (0, 1)
    )
    return Record(
        row=row,
        fold=fold,
        config_sha256=plan.sha256(MATRIX[row], fold),
        entries=plan.entries(MATRIX[row]),
        folds_sha256=plan.folds_sha256,
        classes=("healthy", "ill"),
        counts={"train": 8, "val": 2, "test": len(outcomes)},
        confusion=confusion,
        metrics={"accuracy": sum(a == b for a, b in outcomes) / len(outcomes)},
        cost={"macs": 1000, "bit_operations": 64000, "weight_bytes": 500},
        images=Images(numbers, numbers, labels, predicted, (0.75,) * len(outcomes)),
        lesions=lesions or Lesions(),
        lesion_class="ill" if lesions else "",
        best_epoch=3,
        shared_sha256="5" * 64,
        seconds={"training": 60.0, "measuring": 5.0, "shared": 120.0},
        code={"saliedge": "0.1.0", "sources_sha256": "c" * 64, "torch": "2"},
        machine={"architecture": "x86_64", "processor": "made", "threads": 1},
    )
