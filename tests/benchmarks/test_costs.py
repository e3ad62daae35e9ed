"""What a configuration costs beside its latency, from processes that were made by hand."""

from __future__ import annotations

import pytest

from benchmarks.absent import Absent
from benchmarks.costs import Costs
from benchmarks.summary import summarize
from benchmarks.worker import Round


def test_costs_are_medians_over_the_processes(make_round):
    costs = [Costs(start * 1_000_000, 6_000_000, 9, 8, 7, (4_000_000, 2_000_000, 9_000_000))
             for start in (100, 300, 200)]  # fmt: skip
    summary = summarize([make_round(3, 5, costs=found) for found in costs]).costs
    # 40 ms to load and 9 ms for the first inference come on top of the start.
    assert summary.cold_start_ms == pytest.approx(249)
    # 6 ms of processor time in two frames of 1 + 3 and 1 + 5 ms.
    assert summary.processors == pytest.approx(0.6)
    assert summary.presentation_ms == pytest.approx(4)
    assert (summary.pss_after_load_bytes, summary.rss_steady_bytes) == (9, 8)


def test_what_one_process_lacks_is_absent_with_its_reason(make_round):
    lacking = Costs(pss_steady=Absent("no rollup here"))
    summary = summarize([make_round(1), make_round(1, costs=lacking)]).costs
    assert summary.pss_steady_bytes == Absent("no rollup here")
    assert summary.to_json()["pss_steady_bytes"] == {"absent": "no rollup here"}


def test_a_round_of_an_older_report_has_none(make_round):
    record = make_round(1).to_json()
    del record["costs"]
    costs = Round.from_json(record).costs
    assert all(isinstance(value, Absent) for value in vars(costs).values())


def test_costs_survive_their_json(make_round):
    costs = Costs(1, 2, 3, Absent("no"), 5, (6, 7))
    assert Costs.from_json(costs.to_json()) == costs
