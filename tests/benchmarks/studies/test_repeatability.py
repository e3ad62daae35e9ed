"""INT8 over float of two runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.studies.repeatability import agreements, main
from edge_runtime.errors import run_command
from tests.commands import runner


@pytest.fixture
def run_main(capsys):
    return runner(lambda arguments: run_command(main, arguments), capsys)


@pytest.fixture
def other(report, make_round):
    """Function that makes the report's second run with another INT8 latency without a map."""

    def make(*int8_ms):
        rounds = tuple(make_round(level, level) for level in int8_ms)
        plain, *rest = report.results
        return replace(report, results=(replace(plain, rounds=rounds), *rest))

    return make


def test_ratios_are_of_the_rounds_of_each_run(report, other):
    # 2 and 3 over 4 milliseconds; then 2 and 3.2.
    (found,) = agreements(report, other(2, 3.2), 50)
    assert found.name == "onnx int8 / onnx float32"
    assert (found.first.median, found.second.median) == (0.625, 0.65)
    assert found.apart == pytest.approx(0.04)
    assert agreements(other(2, 3.2), report, 50)[0].apart == pytest.approx(0.04)


@pytest.mark.parametrize(("level", "code"), [(3.2, 0), (3.3, 8)])
def test_ratios_further_apart_than_allowed_fail(report, other, tmp_path, run_main, level, code):
    paths = tmp_path / "one.json", tmp_path / "two.json"
    for path, written in zip(paths, (report, other(2, level)), strict=True):
        path.write_bytes(written.to_bytes())
    ending = run_main(*paths)
    assert ending.code == code
    assert "0.625 (0.500 to 0.750)" in ending.out
    assert ("All within 5%" in ending.out) == (code == 0)


def test_runs_that_share_no_ratio_are_refused(report, tmp_path, run_main):
    path = tmp_path / "one.json"
    path.write_bytes(replace(report, results=report.results[:1]).to_bytes())
    assert run_main(path, path).code == 2
