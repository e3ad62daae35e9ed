"""The comparison of trials, its table, picture and page."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from tests.train.sweep.conftest import made_plan, made_record
from train.sweep.analysis import analyse
from train.sweep.metric import METRICS
from train.sweep.picture import metric_svg
from train.sweep.plan import PLAN_FILE, Plan
from train.sweep.records import TrialRecord
from train.sweep.report import write_report

Swept = tuple[Plan, dict[str, TrialRecord]]


def test_trials_are_ranked_by_the_metric(four_trials: Swept) -> None:
    analysis = analyse(*four_trials)
    assert [r.trial.number for r in analysis.ranked] == [3, 2, 1]
    assert analysis.ranked[0].figures["accuracy"].value == 0.9
    assert [r.trial.number for r in analysis.others] == [4]


def test_of_equals_the_lower_loss_is_better() -> None:
    plan = made_plan("k=0.3,0.5")
    records = {
        trial.name: made_record(trial, [1, 0, 1], loss=loss)
        for trial, loss in zip(plan.trials, (0.7, 0.6), strict=True)
    }
    assert analyse(plan, records).best.trial.number == 2
    assert analyse(replace(plan, metric=METRICS["loss"]), records).best.trial.number == 2


def test_differences_from_the_best_are_paired(four_trials: Swept) -> None:
    best, second, third = analyse(*four_trials).ranked
    assert best.minus_best is None
    assert second.minus_best.value == pytest.approx(-0.3)
    # Every image that the second has right the best has right, too.
    assert second.minus_best.high < 0
    assert third.minus_best.value == pytest.approx(-0.4)


def test_a_trial_on_the_same_images_right_alike_is_told_as_a_tie() -> None:
    plan = made_plan("k=0.3,0.5,0.7")
    outcomes = ([1] * 18 + [0, 0], [0, 0] + [1] * 18, [0] * 18 + [1, 1])
    records = {
        trial.name: made_record(trial, hits)
        for trial, hits in zip(plan.trials, outcomes, strict=True)
    }
    assert analyse(plan, records).tied == 1


def test_the_blind_row_names_the_most_frequent_class(four_trials: Swept) -> None:
    blind = analyse(*four_trials).blind
    assert blind == {
        "macro_sensitivity": 0.5,
        "accuracy": 0.5,
        "loss": pytest.approx(0.6931, abs=1e-4),
    }


def test_the_report_names_the_best_and_links_it(four_trials: Swept, tmp_path: Path) -> None:
    plan, records = four_trials
    plan.write(tmp_path / PLAN_FILE)
    (tmp_path / "best").symlink_to("runs/another")
    write_report(analyse(plan, records), tmp_path)
    best = plan.trials[2].name
    assert (tmp_path / "best").readlink() == Path("runs") / best
    text = (tmp_path / "report.md").read_text()
    assert f"The best run is runs/{best} ({plan.trials[2].description})" in text
    assert "90.0% (" in text
    rows = list(csv.DictReader((tmp_path / "table.csv").open(newline="")))
    assert [(row["trial"], row["status"]) for row in rows] == [
        ("3", "finished"),
        ("2", "finished"),
        ("1", "finished"),
        ("4", "stopped"),
    ]
    assert float(rows[0]["macro_sensitivity_low"]) < 0.9 < float(rows[0]["macro_sensitivity_high"])


def test_the_page_loads_nothing(four_trials: Swept, tmp_path: Path) -> None:
    plan, records = four_trials
    plan.write(tmp_path / PLAN_FILE)
    write_report(analyse(plan, records), tmp_path)
    page = (tmp_path / "report.html").read_text().replace("http://www.w3.org/2000/svg", "")
    assert not any(word in page for word in ("http:", "https:", "src=", "href=", "url("))


def test_the_picture_has_a_point_for_each_trial_in_each_panel(four_trials: Swept) -> None:
    picture = ElementTree.fromstring(metric_svg(analyse(*four_trials)))
    titles = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title")]
    for number in (1, 2, 3, 4):
        assert sum(title.startswith(f"trial {number} ") for title in titles) == 2


def test_without_any_figure_there_is_no_picture() -> None:
    assert metric_svg(analyse(made_plan("k=0.3,0.5"), {})) == ""
