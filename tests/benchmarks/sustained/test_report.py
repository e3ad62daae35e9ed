"""The report of a long run: its file, its table and its page."""

from __future__ import annotations

import json

import pytest

from benchmarks.absent import Absent
from benchmarks.sustained.page import sustained_html
from benchmarks.sustained.report import SustainedReport, read_sustained
from benchmarks.sustained.table import sustained_text
from edge_runtime.errors import ArtifactError
from tests.benchmarks.schemas import errors_of
from tests.pages import check_self_contained


@pytest.fixture
def hot_run(moment, long_run):
    """A run on a board that heats up and slows down, with a meter."""
    moments = [
        moment(
            i,
            2.0 if i < 30 else 2.6,
            others=0.1,
            temperature_celsius=55.0 + i / 2,
            frequency_mhz=2400.0 if i < 30 else 1800.0,
            throttled=() if i < 30 else ("throttled",),
            watts=7.0,
        )
        for i in range(60)
    ]
    return long_run(moments, power="meter", idle_watts=3.0, battery_wh=35.0, dropped=4)


def test_it_survives_its_file(hot_run, tmp_path):
    path = tmp_path / "run.json"
    path.write_bytes(hot_run.to_bytes())
    assert read_sustained(path) == hot_run


def test_the_summary_can_be_read_without_this_package(hot_run):
    summary = json.loads(hot_run.to_bytes())["summary"]
    assert summary["fps"] == 10.0
    assert summary["energy"]["joules_per_frame"] == 0.7
    assert summary["energy"]["battery_hours"] == 5.0
    assert summary["verdict"]["kind"] == "slowed"
    assert summary["stages_ms"]["preprocess"] == 0.5


@pytest.mark.parametrize("broken", [{}, {"schema": "2.0"}, {"moments": []}])
def test_another_file_is_refused_in_one_sentence(hot_run, tmp_path, broken):
    record = {**hot_run.to_json(), **broken} if broken else []
    path = tmp_path / "run.json"
    path.write_text(json.dumps(record))
    with pytest.raises(ArtifactError, match="give the file that"):
        read_sustained(path)


def test_the_documented_schema_describes_a_run_with_a_meter(hot_run):
    assert errors_of(json.loads(hot_run.to_bytes()), "sustained-report") == []


@pytest.mark.parametrize("broken", [{"schema": "2.0"}, {"moments": []}, {"summary": {}}])
def test_the_documented_schema_refuses_what_is_no_report(hot_run, broken):
    assert errors_of({**hot_run.to_json(), **broken}, "sustained-report")


def test_the_terminal_sees_the_verdict_and_the_figures(hot_run):
    text = sustained_text(hot_run)
    assert "It slowed down by 30%, from minute 5.0 on: 2.00 ms at first, 2.60 ms" in text
    assert "add a heat sink or a fan" in text
    assert "0.7000 J" in text


def test_the_page_draws_what_was_read_and_loads_nothing(hot_run):
    page = sustained_html(hot_run)
    check_self_contained(page)
    for track in ("inference ms", "temperature °C", "clock MHz", "power W"):
        assert track in page
    assert page.count("<title>throttled</title>") == 30
    assert "Not drawn" not in page


def test_what_was_not_read_is_named_and_not_drawn(moment, long_run):
    bare = long_run([moment(i, 2.0) for i in range(20)])
    assert "temperature °C: not read in this test" in sustained_html(bare)
    assert "Absent: frames never taken, " in sustained_text(bare)
    assert isinstance(bare.energy.watts, Absent)
    assert SustainedReport.from_json(json.loads(bare.to_bytes())) == bare
