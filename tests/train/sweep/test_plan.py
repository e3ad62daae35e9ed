"""What a sweep holds fast, and how a trial is known again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge_runtime.errors import ArtifactError, UsageError
from tests.train.sweep.conftest import made_plan
from train.sweep.halving import Halving
from train.sweep.plan import PLAN_FILE, Plan


def test_each_backbone_keeps_its_own_recipe() -> None:
    plan = made_plan("backbone=small_cnn,mobilenet_v2")
    assert [trial.config.network.height for trial in plan.trials] == [64, 160]


def test_a_value_that_is_not_possible_names_the_trial() -> None:
    with pytest.raises(UsageError, match=r"a trial with k=1\.5 cannot be run"):
        _ = made_plan("k=0.5,1.5").trials


def test_draws_that_repeat_a_configuration_are_one_trial() -> None:
    plan = made_plan("epochs=1:2", count=12)
    assert [trial.number for trial in plan.trials] == [1, 2]


def test_a_trial_is_the_same_elsewhere_and_with_other_threads() -> None:
    plan = made_plan("k=0.3,0.5")
    elsewhere = {**plan.base, "data": {"source": "images"}, "run": {"threads": 2}}
    moved = replace(plan, base=elsewhere)
    assert [trial.name for trial in moved.trials] == [trial.name for trial in plan.trials]
    other = replace(plan, base={**plan.base, "optimizer": {"lr": 1e-5}})
    assert not {trial.name for trial in other.trials} & {trial.name for trial in plan.trials}


def test_paths_do_not_depend_on_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = made_plan("k=0.3,0.5")
    moved = replace(plan, base={**plan.base, "data": {"source": "images"}})
    assert moved.trials[0].config.data.source == str(tmp_path / "images")


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    plan = made_plan("lr=1e-4:1e-2:log", "bits=8,4", count=7, metric="loss")
    plan = replace(plan, halving=Halving(2, 4), listing_sha256="a" * 64)
    plan.write(tmp_path / PLAN_FILE)
    assert Plan.read(tmp_path / PLAN_FILE) == plan


def test_a_damaged_plan_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is not a sweep"):
        Plan.read(tmp_path / PLAN_FILE)
    (tmp_path / PLAN_FILE).write_text("[sweep]\nvary = ['lr']\n")
    with pytest.raises(ArtifactError, match="correct it"):
        Plan.read(tmp_path / PLAN_FILE)
