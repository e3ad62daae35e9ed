"""The benchmark of a training step, on a small network and two rounds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from benchmarks.studies.training_page import Measurement, Times, ratio, verdict
from benchmarks.studies.training_profile import Breakdown, break_down, middle
from benchmarks.studies.training_step import check_limits, training_step
from benchmarks.studies.training_variants import (
    BASE,
    LIMITS,
    NAMES,
    RepeatedStep,
    Workload,
    make_steps,
)
from edge_runtime.errors import GateError, UsageError
from edge_runtime.metrics import Interval

GUIDED, WITH_L1 = LIMITS
SMALL = Workload("small_cnn", side=32, images=4)


@pytest.fixture(scope="module")
def steps() -> dict[str, RepeatedStep]:
    return make_steps(SMALL)


def measured(**cpu: list[float]) -> Measurement:
    """Rounds of the default workload; a step that is not named takes as long as the base."""
    times = {name: Times([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]) for name in NAMES}
    times |= {name: Times(seconds, seconds) for name, seconds in cpu.items()}
    return Measurement(Workload(), {}, times, {})


class TestSteps:
    @pytest.mark.parametrize("name", NAMES)
    def test_a_step_begins_anew_and_moves_the_weights(
        self, steps: dict[str, RepeatedStep], name: str
    ) -> None:
        model = steps[name].learner.model
        states = []
        for _ in range(2):
            steps[name].reset()
            fresh = {key: value.clone() for key, value in model.state_dict().items()}
            steps[name].take()
            states.append({key: value.clone() for key, value in model.state_dict().items()})
        assert all(torch.equal(states[0][key], value) for key, value in states[1].items())
        assert not all(torch.equal(fresh[key], value) for key, value in states[1].items())

    def test_only_the_base_has_batch_norm(self, steps: dict[str, RepeatedStep]) -> None:
        with_norm = [
            name
            for name, step in steps.items()
            if any(isinstance(m, torch.nn.BatchNorm2d) for m in step.learner.model.modules())
        ]
        assert with_norm == [BASE]


class TestBreakdown:
    def test_each_step_has_the_parts_that_it_consists_of(
        self, steps: dict[str, RepeatedStep]
    ) -> None:
        parts = {name: set(break_down(step.take).parts) for name, step in steps.items()}
        plain = {"clean pass", "backward through the clean pass", "update", "rest"}
        guided = {"saliency", "masking", "masked pass", "backward through the masked pass"}
        assert [parts[name] for name in NAMES[:3]] == [plain] * 3
        assert parts[GUIDED] == plain | guided
        assert parts[WITH_L1] == plain | guided | {"backward through the saliency"}

    def test_shares_are_of_all_the_time(self, steps: dict[str, RepeatedStep]) -> None:
        found = break_down(steps[BASE].take)
        assert sum(found.parts.values()) == pytest.approx(1)
        assert sum(found.kinds.values()) == pytest.approx(1)
        assert found.kinds["batch norm"] > 0
        assert "sorting" not in found.kinds

    def test_one_slow_step_does_not_count(self) -> None:
        calm = Breakdown({"clean pass": 0.5, "update": 0.5}, {"convolutions": 1.0})
        slow = Breakdown({"clean pass": 0.1, "update": 0.9}, {"convolutions": 1.0})
        assert middle([calm, slow, calm]) == calm


class TestRatio:
    def test_it_is_the_median_of_what_happened_within_rounds(self) -> None:
        # A machine three times as slow in the second round changes nothing.
        found = ratio([2.0, 6.3, 1.9], [1.0, 3.0, 1.0])
        assert found.value == pytest.approx(2.0)
        assert (found.low, found.high) == (pytest.approx(1.9), pytest.approx(2.1))

    @pytest.mark.parametrize(
        ("low", "high", "said"), [(2.0, 2.8, "met"), (2.7, 2.9, "open"), (2.81, 3.0, "missed")]
    )
    def test_the_whole_interval_decides(self, low: float, high: float, said: str) -> None:
        assert verdict(Interval(2.75, low, high), 2.8) == said

    def test_a_step_above_its_limit_fails(self) -> None:
        check_limits(measured(**{GUIDED: [2.7, 2.6, 2.8], WITH_L1: [3.8, 3.7, 3.6]}))
        with pytest.raises(GateError, match=r"at most 3\.8"):
            check_limits(measured(**{WITH_L1: [3.9, 3.7, 3.6]}))

    def test_what_is_added_is_the_difference_within_rounds(self) -> None:
        found = measured(**{WITH_L1: [3.5, 4.0, 2.0], GUIDED: [2.5, 2.0, 1.0]}).additions()
        assert found["L1 term: the double backward pass"].value == pytest.approx(1.0)


class TestCommand:
    ARGUMENTS = ("--backbone", "small_cnn", "--size", "32", "--batch-size", "4", "--rounds", "2")

    def test_it_prints_the_page_and_keeps_every_round(self, tmp_path: Path) -> None:
        out, page = tmp_path / "step.json", tmp_path / "step.md"
        files = ["--profiled", "1", "--out", str(out), "--page", str(page)]
        result = CliRunner().invoke(training_step, [*self.ARGUMENTS, *files])
        assert result.exit_code == 0, result.output
        assert page.read_text().strip() in result.output
        assert f"torch {torch.__version__}" in page.read_text()
        assert "| masking |" in page.read_text()
        record = json.loads(out.read_text())
        assert record["limits"] == {}
        assert {len(found["cpu"]) for found in record["seconds"].values()} == {2}
        assert list(record["ratios"]["cpu"]) == list(NAMES)
        assert record["ratios"]["cpu"][BASE] == {"value": 1.0, "low": 1.0, "high": 1.0}

    def test_limits_of_another_network_are_not_asked_for(self) -> None:
        arguments = [*self.ARGUMENTS, "--check"]
        with pytest.raises(UsageError, match="default workload"):
            CliRunner().invoke(training_step, arguments, catch_exceptions=False)
