from __future__ import annotations

import re

import numpy as np
import pytest

from benchmarks.studies.medmnist_table import PUBLISHED, Row, check_promise, markdown
from edge_runtime.errors import GateError

_LABELS = (0, 0, 0, 1, 1, 1, 1, 1)
_PERFECT = (0.1, 0.2, 0.3, 0.6, 0.7, 0.8, 0.9, 0.95)
# One of the three negatives lies above every positive: 5 of 15 pairs are lost.
_WORSE = (0.1, 0.2, 0.99, 0.6, 0.7, 0.8, 0.9, 0.95)


def row(
    scores: tuple[float, ...], *, data: str = "breastmnist", seed: int = 0, bits: int = 8
) -> Row:
    return Row(data, "test", seed, bits, 1.0, _LABELS, scores)


def cells(table: str, network: str) -> list[str]:
    line = next(line for line in table.splitlines() if f"| {network} |" in line)
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_cell_has_the_mean_and_the_range_over_seeds() -> None:
    table = markdown([row(_PERFECT), row(_WORSE, seed=1)])
    _, _, seeds, auc, accuracy = cells(table, "8 bit")
    assert seeds == "2"
    assert auc.startswith("0.833 (0.667 to 1.000; ")
    assert accuracy.startswith("0.938 (0.875 to 1.000; ")


def test_the_interval_is_of_the_mean_over_other_draws_of_the_images() -> None:
    labels = np.array([0, 1] * 200)
    scores = tuple(np.clip(labels * 0.2 + np.random.default_rng(0).random(400), 0, 1))
    rows = [Row("breastmnist", "test", seed, 8, 1.0, tuple(labels), scores) for seed in (0, 1)]
    auc = cells(markdown(rows), "8 bit")[3]
    value, _, _, _, low, _, high = re.sub("[(;)]", "", auc).split()
    assert float(low) < float(value) < float(high)
    # Hanley and McNeil's standard error of an AUC of 0.68 with 200 + 200 images is 0.026.
    assert float(high) - float(low) == pytest.approx(2 * 1.96 * 0.026, rel=0.15)


def test_published_figures_and_a_blind_guess_stand_beside_it() -> None:
    table = markdown([row(_PERFECT)])
    assert cells(table, "published ResNet-18 (28)")[3:] == ["0.901", "0.863"]
    assert cells(table, "blind: one constant score")[3:] == ["0.500", "0.625"]


def test_the_promise_is_about_the_mean_at_8_bit() -> None:
    good, bad = row(_PERFECT), row(_WORSE, bits=4)
    check_promise([good, bad])
    with pytest.raises(GateError, match=r"breastmnist has an AUC of 0\.667 at 8 bit"):
        check_promise([row(_WORSE)])


def test_every_published_set_can_be_judged() -> None:
    check_promise([row(_PERFECT, data=name) for name in PUBLISHED])
