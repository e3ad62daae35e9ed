"""Reports side by side: what is refused, what is found, and what the commands say and end with."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.absent import Absent
from benchmarks.comparing.command import compare
from benchmarks.comparing.comparison import Comparison
from benchmarks.comparing.reports import (
    Change,
    compare_reports,
    drift,
    explained,
    judge,
    machine_moves,
    open_reports,
)
from edge_runtime.errors import UsageError, run_command
from tests.benchmarks.places import with_places
from tests.commands import runner

UNKNOWN = Absent("no probe")


@pytest.fixture
def run_compare(capsys):
    return runner(lambda arguments: run_command(compare, arguments), capsys)


def test_a_slower_and_an_unchanged_configuration_are_told_apart(make_report, run_compare):
    base = make_report("base.json", int8_none=5.0, float32_none=9.0)
    new = make_report("new.json", seed=1, int8_none=5.5, float32_none=9.0)
    ending = run_compare(base, new)
    assert ending.code == 0, ending.err
    int8, float32 = (line for line in ending.out.splitlines() if line.startswith("onnx"))
    assert int8.split()[-1] == "slower"
    assert float32.endswith("no evidence")
    assert "adjusted for all 2" in ending.out


def test_several_reports_are_compared_with_the_first(make_report, run_compare):
    base = make_report("base.json", int8_none=5.0)
    others = [make_report(f"{i}.json", seed=i, int8_none=5.0 * f) for i, f in ((1, 0.8), (2, 1.2))]
    ending = run_compare(base, *others, "--json", "-")
    changes = json.loads(ending.out)["changes"]
    assert [(c["file"], c["verdict"]) for c in changes] == [
        ("1.json", "faster"),
        ("2.json", "slower"),
    ]
    assert changes[0]["low"] < 0.8 < changes[0]["high"]
    assert "onnx int8" in ending.err


def test_the_figures_are_written_and_an_earlier_file_stays(make_report, run_compare, tmp_path):
    base = make_report("base.json", int8_none=5.0)
    path = tmp_path / "changes.json"
    assert run_compare(base, base, "--json", path).code == 0
    assert json.loads(path.read_text())["base"] == "base.json"
    assert run_compare(base, base, "--json", path).code == 7


def with_machine(entry, value):
    def change(report):
        machine = {**report.conditions["machine"], entry: value}
        return replace(report, conditions={**report.conditions, "machine": machine})

    return change


def with_threads(report):
    return replace(report, workload=replace(report.workload, threads=2))


def with_input(report):
    return replace(report, bundle=replace(report.bundle, height=64))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (with_machine("cpu_model", "another"), "cpu_model"),
        (with_machine("cpu_flags", ["avx2"]), "cpu_flags"),
        (with_machine("governor", "powersave"), "governor"),
        (with_threads, "number of threads (1, 2)"),
        (with_input, "input size (128x96, 128x64)"),
    ],
)
def test_other_machines_and_other_work_are_refused(make_report, run_compare, change, told):
    base = make_report("base.json", int8_none=5.0)
    ending = run_compare(base, make_report("new.json", change, int8_none=5.0))
    assert ending.code == UsageError.exit_code
    assert told in ending.err
    assert "base.json" in ending.err
    assert "new.json" in ending.err
    assert ending.err.count("\n") == 1


def placed(*places):
    return lambda report: with_places(report, *places)


def test_a_configuration_is_compared_with_that_of_its_threads_and_input_size(
    make_report, run_compare
):
    base = make_report("base.json", int8_none=5.0)
    places = [("a.edge", 64, 1), ("b.edge", 128, 1), ("b.edge", 128, 2)]
    ending = run_compare(base, make_report("new.json", placed(*places), int8_none=5.0))
    assert ending.code == 0, ending.err
    lines = [line for line in ending.out.splitlines() if line.startswith("onnx")]
    assert [line.split("  ")[0] for line in lines] == ["onnx int8, 1 thread, b.edge"]


def test_bundles_of_one_input_size_are_compared_by_their_names(make_report):
    places = [("a.edge", 128, 1), ("b.edge", 128, 1)]
    base = make_report("base.json", placed(*places), int8_none=5.0)
    new = make_report("new.json", placed(*places, ("c.edge", 128, 1)), int8_none=5.0)
    changes = compare_reports(open_reports([base, new]), "inference")
    assert [change.name for change in changes] == [
        "onnx int8, 1 thread, a.edge",
        "onnx int8, 1 thread, b.edge",
    ]


def test_other_software_is_compared_and_named(make_report, run_compare):
    def change(report):
        software = {**report.conditions["software"], "numpy": "1.24.0"}
        return replace(report, conditions={**report.conditions, "software": software})

    base = make_report("base.json", int8_none=5.0)
    ending = run_compare(base, make_report("new.json", change, int8_none=5.0))
    assert ending.code == 0
    assert "software numpy" in ending.out


def test_reports_without_a_common_configuration_are_refused(make_report, run_compare):
    base = make_report("base.json", int8_none=5.0)
    ending = run_compare(base, make_report("new.json", float32_none=5.0))
    assert (ending.code, "shares no configuration" in ending.err) == (2, True)


def test_a_stage_is_chosen(make_report):
    named = open_reports(
        [make_report("a.json", int8_none=5.0), make_report("b.json", int8_none=10.0)]
    )
    assert compare_reports(named, "inference")[0].comparison.ratio == pytest.approx(2, rel=0.02)
    # Preprocessing takes a millisecond in both.
    assert compare_reports(named, "total")[0].comparison.ratio == pytest.approx(11 / 6, rel=0.02)
    assert compare_reports(named, "preprocess")[0].comparison.ratio == 1


def test_what_moves_alike_everywhere_is_put_down_to_the_machine(make_report):
    levels = {"int8_none": 5.0, "int8_cam": 6.0, "float32_none": 9.0}
    base = make_report("base.json", **levels)
    slow = make_report("slow.json", seed=1, **{key: 1.2 * level for key, level in levels.items()})
    one = make_report("one.json", seed=1, **{**levels, "int8_none": 6.0})
    assert (
        "slower by the same factor, 1.197"
        in drift(compare_reports(open_reports([base, slow]), "inference"))[0]
    )
    assert drift(compare_reports(open_reports([base, one]), "inference")) == []


def changes_of(name, *ratios, verdict="slower", machine=UNKNOWN, raw=None):
    """A change for each ratio, all of one report; ``raw`` are ratio and verdict as measured."""

    def compared(ratio, verdict):
        return Comparison(ratio, 1, 1, 0, np.zeros(0), 0, verdict)

    return [
        Change(
            str(at),
            Path(name),
            1.0,
            ratio,
            compared(ratio, verdict),
            compared(*(raw or (ratio, verdict))),
            machine,
        )
        for at, ratio in enumerate(ratios)
    ]


@pytest.mark.parametrize(
    "changes",
    [
        changes_of("new.json", 1.2, 1.2),
        changes_of("new.json", 1.01, 1.01, 1.01, verdict="no evidence"),
        changes_of("new.json", 1.01, 1.01) + changes_of("new.json", 0.99, verdict="faster"),
        changes_of("new.json", 1.2, 1.2, 1.3),
    ],
    ids=["two", "none moved", "both ways", "by other factors"],
)
def test_what_does_not_move_alike_is_no_drift(changes):
    assert drift(changes) == []


def test_each_report_is_looked_at_for_itself():
    found = drift(changes_of("a.json", 1.2) + changes_of("b.json", 0.8, 0.8, 0.8, verdict="faster"))
    assert len(found) == 1
    assert found[0].startswith("All configurations of b.json are faster by the same factor, 0.800")


def test_a_change_has_the_latency_of_both_sides_in_milliseconds(make_report):
    base, new = make_report("a.json", int8_none=5.0), make_report("b.json", int8_none=10.0)
    (change,) = compare_reports(open_reports([base, new]), "inference")
    assert change.to_json() == {
        "configuration": "onnx int8",
        "file": "b.json",
        "base_ms": pytest.approx(5.05, rel=0.02),
        "new_ms": pytest.approx(10.1, rel=0.02),
        **change.comparison.to_json(),
        "machine": {"absent": "the version of bench that wrote this had no machine-speed probe"},
        "unadjusted": change.comparison.to_json(),
    }


def test_a_low_percentile_of_reports_is_that_of_their_frames(make_report, make_round):
    def with_outliers(report):
        rounds = tuple(make_round(*[5.0] * 5, *[9.0 + i] * 6) for i in range(8))
        return replace(report, results=(replace(report.results[0], rounds=rounds),))

    base = make_report("a.json", int8_none=5.0)
    named = open_reports([base, make_report("b.json", with_outliers, int8_none=5.0)])
    (middle,), (low,) = (compare_reports(named, "inference", *at) for at in ((), (10,)))
    # The median is the first of the slow frames, 9 to 16 ms: their geometric mean.
    assert middle.new_ms == pytest.approx(math.prod(range(9, 17)) ** (1 / 8))
    assert low.new_ms == pytest.approx(5.0)
    assert low.comparison.ratio == pytest.approx(low.new_ms / low.base_ms)


def test_a_low_percentile_of_reports_is_that_of_their_probes_too(make_report, make_round):
    def probed(slow_ms):
        probes = tuple(int(ms * 1e6) for ms in [0.4] * 5 + [slow_ms] * 6)
        made = make_round(*[5.0] * 11, probe="1, made by hand", probe_ns=probes)
        return lambda report: replace(
            report, results=(replace(report.results[0], rounds=(made,) * 8),)
        )

    paths = [make_report(f"{ms}.json", probed(ms), int8_none=5.0) for ms in (0.4, 0.8)]
    (middle,), (low,) = (
        compare_reports(open_reports(paths), "inference", *at) for at in ((), (10,))
    )
    assert middle.machine == pytest.approx(2)
    assert low.machine == pytest.approx(1)


@pytest.fixture
def with_probes(make_round):
    """Function that makes a change of a report: its processes get a luck, which probes tell.

    ``with_probes(seed, machine=1.2)``: the machine itself is slower by that factor, too.
    """

    def make(seed, machine=1.0, **changes):
        luck = machine * np.exp(0.1 * np.random.default_rng(seed).standard_normal(8))

        def shared(result):
            rounds = tuple(
                make_round(*(item.stage_ns("inference") / 1e6 * f), probe_ms=0.4 * f, **changes)
                for item, f in zip(result.rounds, luck, strict=True)
            )
            return replace(result, rounds=rounds)

        return lambda report: replace(report, results=tuple(map(shared, report.results)))

    return make


def test_what_the_probe_tells_of_the_machine_is_taken_out(make_report, with_probes, run_compare):
    base = make_report("base.json", with_probes(1), int8_none=5.0)
    new = make_report("new.json", with_probes(2, machine=1.2), seed=1, int8_none=5.5)
    ending = run_compare(base, new, "--json", "-")
    (change,) = json.loads(ending.out)["changes"]
    assert (change["ratio"], change["verdict"]) == (pytest.approx(1.1, rel=0.02), "slower")
    assert change["unadjusted"]["ratio"] == pytest.approx(
        change["new_ms"] / change["base_ms"], rel=1e-6
    )
    assert change["high"] / change["low"] < 1.05 < 1.1 < change["unadjusted"]["high"]
    assert change["machine"] == pytest.approx(1.2, rel=0.1)
    assert "Adjusted: the same without the machine's own speed" in ending.err
    assert "The machine itself was" in ending.err


def test_a_machine_that_became_slower_is_no_slower_software(make_report, with_probes, run_check):
    base = make_report("base.json", with_probes(1), int8_none=5.0)
    new = make_report("new.json", with_probes(1, machine=1.3), seed=1, int8_none=5.0)
    ending = run_check(new, "--against", base, "--max-regression", "10%")
    assert ending.code == 0, ending.err
    assert "The machine itself was 30% slower in new.json, by its probe" in ending.out
    assert "as measured, but no evidence without the machine's part" in ending.out


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (lambda report: report, "had no machine-speed probe"),
        ({"probe": "2, another"}, "different code (1, made by hand; 2, another)"),
    ],
)
def test_without_probes_of_one_kind_nothing_is_taken_out_and_it_is_said(
    make_report, with_probes, run_compare, changes, reason
):
    other = with_probes(2, **changes) if isinstance(changes, dict) else changes
    base = make_report("base.json", with_probes(1), int8_none=5.0)
    ending = run_compare(base, make_report("new.json", other, int8_none=5.0))
    assert ending.code == 0, ending.err
    assert "Not adjusted for the machine's own speed, so less sharp" in ending.out
    assert reason in ending.out
    assert "Adjusted:" not in ending.out


def test_a_machine_that_kept_its_speed_within_three_per_cent_is_not_mentioned():
    assert machine_moves(changes_of("new.json", 1.2, 1.2, machine=1.029)) == []
    assert machine_moves(changes_of("new.json", 1.2)) == []
    (found,) = machine_moves(changes_of("new.json", 1.2, machine=1 / 1.04))
    assert found.startswith("The machine itself was 4% faster in new.json")


def test_a_verdict_that_changes_without_the_machines_part_is_told():
    (found,) = machine_moves(
        changes_of("new.json", 1.01, verdict="no evidence", machine=1.0, raw=(1.12, "slower"))
    )
    assert found == (
        "0, new.json: slower by 1.120 as measured, but no evidence without the machine's part."
    )


def test_what_else_differs_is_told_of_each_report_beside_the_base(make_report):
    def change(report):
        software = {**report.conditions["software"], "numpy": "1.24.0"}
        return replace(report, conditions={**report.conditions, "software": software})

    paths = [make_report(f"{name}.json", int8_none=5.0) for name in "ab"]
    paths.append(make_report("c.json", change, int8_none=5.0))
    (found,) = explained(open_reports(paths))
    assert found.startswith("differs from a.json to c.json: software numpy: ")
    assert found.endswith(", 1.24.0")


@pytest.mark.parametrize(("ratio", "beyond"), [(1.2, "regressed"), (1.0, "within")])
@pytest.mark.parametrize("resamples", [19, 20])
def test_one_in_twenty_is_not_beyond_chance(ratio, beyond, resamples):
    (change,) = changes_of("new.json", ratio)
    comparison = replace(change.comparison, replicates=np.full(resamples, math.log(ratio)))
    expected = "undecided" if resamples == 19 else beyond
    assert judge([replace(change, comparison=comparison)], 1.1) == (expected,)
