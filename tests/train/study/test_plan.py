"""What a study holds fast, and when a row has to be run again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edge_runtime.errors import ArtifactError
from train.config import resolve
from train.study.matrix import MATRIX
from train.study.plan import Plan


def hashes(plan: Plan) -> dict[str, str]:
    return {name: plan.sha256(row, 0) for name, row in MATRIX.items()}


def changed(plan: Plan, table: str, **entries: object) -> Plan:
    recipe = {**plan.recipe, table: {**plan.recipe[table], **entries}}
    return dataclasses.replace(plan, recipe=recipe)


def differing(first: Plan, second: Plan) -> set[str]:
    before, after = hashes(first), hashes(second)
    return {name for name in before if before[name] != after[name]}


def test_a_plan_comes_back_from_its_file(plan: Plan, tmp_path: Path) -> None:
    plan.write(tmp_path / "study.toml")
    read = Plan.read(tmp_path / "study.toml")
    assert hashes(read) == hashes(plan)
    assert (read.folds, read.folds_sha256, read.region) == (2, plan.folds_sha256, plan.region)


def test_where_things_are_is_not_written_and_changes_nothing(plan: Plan, tmp_path: Path) -> None:
    config = resolve(
        {
            "data": {"source": "elsewhere", "cache": "there"},
            "network": {"backbone": "small_cnn"},
            "run": {"threads": 7},
        }
    )
    moved = Plan.of(config, plan.folds, plan.folds_sha256, plan.region)
    assert hashes(moved) == hashes(plan)
    moved.write(tmp_path / "study.toml")
    assert "elsewhere" not in (tmp_path / "study.toml").read_text()


def test_another_guidance_changes_the_guided_rows_alone(plan: Plan) -> None:
    guided = {name for name in MATRIX if "sgt" in name and not name.endswith("k00")}
    assert differing(plan, changed(plan, "guidance", smoothing=9)) == guided


def test_other_activation_ranges_leave_float_rows_alone(plan: Plan) -> None:
    found = differing(plan, changed(plan, "quantization", eta=1e-3))
    assert found == {name for name in MATRIX if name.startswith("pact")}


def test_more_epochs_change_every_row_but_not_the_shared_network(plan: Plan) -> None:
    longer = changed(plan, "optimizer", epochs=9)
    assert differing(plan, longer) == set(MATRIX)
    assert longer.shared_sha256(0) == plan.shared_sha256(0)
    assert changed(plan, "optimizer", epochs_float=9).shared_sha256(0) != plan.shared_sha256(0)
    assert plan.shared_sha256(0) != plan.shared_sha256(1)


def test_a_row_can_have_settings_of_its_own(plan: Plan, tmp_path: Path) -> None:
    plan.write(tmp_path / "study.toml")
    with (tmp_path / "study.toml").open("a") as file:
        file.write("[rows.pact_w4a4.optimizer]\nlr = 3e-4\n")
    read = Plan.read(tmp_path / "study.toml")
    assert differing(plan, read) == {"pact_w4a4"}
    assert read.config(MATRIX["pact_w4a4"]).optimizer.lr == 3e-4


def test_masking_nothing_is_the_row_without_guidance(plan: Plan) -> None:
    found = hashes(plan)
    assert found["pact_sgt_w8a8_k00"] == found["pact_w8a8"]
    with_l1 = hashes(changed(plan, "guidance", lambda2=0.1))
    assert with_l1["pact_sgt_w8a8_k00"] != with_l1["pact_w8a8"]


def test_an_adaptive_threshold_asks_for_no_share(plan: Plan) -> None:
    found = hashes(changed(plan, "guidance", threshold="adaptive", k=0.0))
    assert found["pact_sgt_w8a8"] != found["pact_w8a8"]
    assert found["pact_sgt_w8a8_k00"] == found["pact_w8a8"]


def test_the_default_share_is_one_row_and_not_two(plan: Plan) -> None:
    found = hashes(changed(plan, "guidance", k=0.5))
    assert found["pact_sgt_w8a8_k50"] == found["pact_sgt_w8a8"]


def test_an_entry_that_came_later_counts_once_it_leaves_its_default(plan: Plan) -> None:
    recipe = {name: dict(table) for name, table in plan.recipe.items()}
    del recipe["augmentation"]["shift"]
    older = dataclasses.replace(plan, recipe=recipe)
    assert "shift" not in older.entries(MATRIX["float"])["augmentation"]
    default = older.config().augmentation.shift
    assert differing(older, changed(older, "augmentation", shift=default + 0.01)) == set(MATRIX)


WHOLE = '[study]\nfolds = 2\nfolds_sha256 = ""\nregion = ""\n'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[study]\nfolds = 2\n",
        WHOLE.replace('region = ""', 'region = "x"'),
        f"{WHOLE}[rows.pact3.optimizer]\nlr = 1e-3\n",
        f"{WHOLE}[rows.ptq_w4a4.optimizer]\nlr = 1e-3\n",
        f"{WHOLE}[rows.pact_w4a4.optimizer]\nlr = -1\n",
    ],
)
def test_a_damaged_plan_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(ArtifactError, match=r"study\.toml cannot be read"):
        Plan.read(path)
