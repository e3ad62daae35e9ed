"""How long the rows that are left will take."""

from __future__ import annotations

import dataclasses

import pytest

from tests.train.study.conftest import made_record
from tests.train.study.test_analysis import HALF
from train.study.estimate import Estimator
from train.study.matrix import MATRIX
from train.study.plan import Plan


def test_nothing_is_known_before_a_row_is_done() -> None:
    estimator = Estimator(epochs_float=6, epochs=5)
    assert estimator.total([MATRIX["float"]], 1) is None
    assert estimator.total([], 0) == 0


def test_a_row_takes_what_it_took_in_other_folds(plan: Plan) -> None:
    estimator = Estimator(epochs_float=6, epochs=5)
    for fold, seconds in enumerate((100.0, 300.0, 120.0)):
        record = made_record(plan, "float", fold % 2, HALF)
        timed = {"training": seconds, "measuring": 10.0, "shared": 500.0}
        estimator.learn(dataclasses.replace(record, seconds=timed))
    assert estimator.row(MATRIX["float"]) == 130
    assert estimator.total([MATRIX["float"]] * 2, 1) == 2 * 130 + 500


def test_another_row_is_a_multiple_of_an_epoch(plan: Plan) -> None:
    estimator = Estimator(epochs_float=6, epochs=5)
    estimator.learn(made_record(plan, "float", 0, HALF))
    light, heavy = (estimator.row(MATRIX[name]) for name in ("pact_w8a8", "pact_sgt_w8a8"))
    assert light is not None and heavy is not None
    assert heavy / light == pytest.approx((2.7 * 5 + 0.5) / (1.1 * 5 + 0.5))
