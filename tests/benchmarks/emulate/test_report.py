"""The JSON file of `bench emulate`."""

from __future__ import annotations

import json

import pytest

from benchmarks.absent import Absent
from benchmarks.emulate.report import WHAT, EmulationReport, read_emulation_report
from edge_runtime.errors import ArtifactError


def test_a_report_survives_its_file(emulation_report, tmp_path):
    path = tmp_path / "counts.json"
    path.write_bytes(emulation_report.to_bytes())
    assert read_emulation_report(path) == emulation_report


def test_the_file_says_what_it_is_and_what_it_is_not(emulation_report):
    assert json.loads(emulation_report.to_bytes())["what"] == WHAT
    assert "no latency" in WHAT


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": "2.0"}, "schema 2.0"),
        ({"kind": "saliedge-bench"}, "no report"),
        ({"counts": [{}]}, "lacks a field"),
        ({"counts": None}, "lacks a field"),
    ],
)
def test_another_file_is_refused(emulation_report, tmp_path, changes, said):
    path = tmp_path / "counts.json"
    path.write_text(json.dumps(emulation_report.to_json() | changes))
    with pytest.raises(ArtifactError, match=said):
        read_emulation_report(path)


def test_an_unknown_minor_is_read(emulation_report):
    record = emulation_report.to_json() | {"schema": "1.7", "new": 1}
    assert EmulationReport.from_json(record) == emulation_report


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(ArtifactError, match=r"nowhere\.json cannot be read"):
        read_emulation_report(tmp_path / "nowhere.json")


def test_the_figure_is_the_median_inference(make_count):
    assert make_count(instructions=70).figure == 70


@pytest.mark.parametrize(
    ("processor", "precision", "bound"),
    [
        ("cortex-a76", "int8", 50),  # 800 / 16 in an SDOT
        ("cortex-a72", "int8", 100),  # 800 / 8 in an SMLAL
        ("cortex-a76", "float32", 200),  # 800 / 4 in an FMLA
    ],
)
def test_the_bound_is_the_multiplications_at_the_processors_peak(
    make_count, processor, precision, bound
):
    assert make_count(precision, processor=processor, macs=800).bound == bound


def test_a_bound_needs_the_multiplications(make_count):
    assert make_count(macs=Absent("why")).bound == Absent("why")
