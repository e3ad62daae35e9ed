"""`bench check`: when a report is within what is allowed, and what it ends with."""

from __future__ import annotations

import pytest

from benchmarks.comparing.reports import compare_reports, judge, open_reports


@pytest.mark.parametrize(
    ("factor", "limit", "code"), [(1.0, "5%", 0), (1.2, "5%", 8), (1.2, "30%", 0), (1.2, "0.3", 0)]
)
def test_check_ends_with_8_where_it_became_slower_than_allowed(
    make_report, run_check, factor, limit, code
):
    base = make_report("base.json", int8_none=5.0, float32_none=9.0)
    new = make_report("new.json", seed=1, int8_none=5.0 * factor, float32_none=9.0)
    ending = run_check(new, "--against", base, "--max-regression", limit)
    assert ending.code == code, ending.err
    assert ("onnx int8 (1.196, regressed)" in ending.err) == (code == 8)


def test_check_is_strict_about_what_the_samples_cannot_tell(make_report, run_check):
    base = make_report("base.json", rounds=3, int8_none=5.0)
    ending = run_check(base, "--against", base)
    assert (ending.code, "--strict fails here" in ending.out) == (0, True)
    ending = run_check(base, "--against", base, "--strict")
    assert (ending.code, "undecided" in ending.err) == (8, True)


def test_a_change_at_the_limit_is_undecided(make_report):
    named = open_reports(
        [make_report("a.json", int8_none=5.0), make_report("b.json", seed=1, int8_none=5.25)]
    )
    changes = compare_reports(named, "inference")
    assert judge(changes, 1.05) == ("undecided",)
    assert judge(changes, 1.01) == ("regressed",)
    assert judge(changes, 1.10) == ("within",)


@pytest.mark.parametrize("limit", ["fast", "-5%", "0"])
def test_a_limit_that_is_no_share_is_refused(make_report, run_check, limit):
    base = make_report("base.json", int8_none=5.0)
    ending = run_check(base, "--against", base, "--max-regression", limit)
    assert (ending.code, "no share" in ending.err) == (2, True)
