"""The JSON file: it reads back whole, and says no to what it does not know."""

from __future__ import annotations

import json

import pytest

from benchmarks.report import Report, read_report
from benchmarks.reporting.table import report_text
from edge_runtime.errors import ArtifactError
from tests.benchmarks.schemas import documented, errors_of, unlike


def test_a_report_reads_back_from_its_file(report, tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(report.to_bytes())
    assert read_report(path) == report
    assert read_report(path).to_bytes() == report.to_bytes()


def test_the_file_has_the_figures_beside_the_samples(report):
    record = json.loads(report.to_bytes())
    assert (record["kind"], record["schema"]) == ("saliedge-bench", "2.1")
    assert record["engine_versions"] == {"onnx": "1.2.3"}
    plain = record["results"][0]
    assert plain["name"] == "onnx int8"
    assert plain["summary"]["stages_ms"]["inference"]["p50"] == 2.5
    assert plain["summary"]["samples"] == 4
    assert plain["rounds"][0]["inference_ns"] == [2_000_000, 2_000_000]
    assert [(entry["numerator"], entry["denominator"]) for entry in record["ratios"]] == [
        ("onnx int8", "onnx float32"),
        ("onnx int8 gradient", "onnx int8"),
    ]
    assert record["ratios"][0]["rounds"] == [0.5, 0.75]


def test_the_file_is_what_the_documented_schema_says(wide_report):
    assert errors_of(json.loads(wide_report.to_bytes()), "bench-report") == []


def test_the_documented_schema_names_everything_in_the_file(wide_report):
    assert unlike(json.loads(wide_report.to_bytes()), "bench-report") == set()


def test_several_bundles_and_threads_read_back_and_are_told_apart(wide_report):
    again = Report.from_json(json.loads(wide_report.to_bytes()))
    assert again == wide_report
    names = [result.configuration.name for result in again.results]
    assert names[0] == "onnx int8, 1 thread, first.edge"
    assert names[-1] == "onnx float32, 1 thread, second.edge"
    assert len(set(names)) == 9
    assert again.thread_counts == (1, 2)
    assert again.bundle_of(again.results[-1].configuration).width == 160


def test_threads_are_held_against_the_fewest_and_bundles_against_the_first(wide_report):
    pairs = [(ratio.kind, ratio.numerator.name, ratio.denominator.name)
             for ratio in wide_report.ratios]  # fmt: skip
    first, second = "onnx int8, 1 thread, first.edge", "onnx int8, 1 thread, second.edge"
    assert ("threads", "onnx int8, 2 threads, first.edge", first) in pairs
    assert ("bundle", second, first) in pairs
    assert ("precision", second, "onnx float32, 1 thread, second.edge") in pairs
    assert [kind for kind, *_ in pairs].count("precision") == 3


def test_the_table_says_all_threads_and_all_bundles(wide_report):
    lines = report_text(wide_report).splitlines()
    assert lines[0].startswith("first.edge") and lines[1].startswith("second.edge")
    assert "input 160 x 96" in lines[1]
    assert any("1 and 2 threads" in line for line in lines)


def test_a_file_of_an_earlier_version_is_read(report):
    record = json.loads(report.to_bytes()) | {"schema": "1.2"}
    del record["further_bundles"]
    for result in record["results"]:
        del result["threads"], result["bundle"]
    assert Report.from_json(record) == report


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "poem"},
        {"schema": "3.0"},
        {"seconds": None},
        {"results": [{"engine": "onnx"}]},
        {"stability": {"verdict": "perhaps", "findings": []}},
        {"bundle": {"file": "first.edge"}},
    ],
)
def test_the_documented_schema_refuses_what_is_no_report(report, change):
    record = json.loads(report.to_bytes()) | change
    assert not documented("bench-report").is_valid(record)


def test_what_could_not_be_read_is_absent_in_the_file_and_never_zero(report):
    record = json.loads(report.to_bytes())
    assert record["results"][0]["summary"]["stages_ms"]["inference"]["p99"] == {
        "absent": "p99 needs 1000 samples, there are 4"
    }
    assert record["results"][2]["summary"]["memory_peak_bytes"] == {
        "absent": "status cannot be read here"
    }
    assert "absent" in record["conditions"]["machine"]["cpu_model"]


def test_an_unknown_minor_version_is_accepted_with_fields_it_adds(report):
    record = json.loads(report.to_bytes())
    record |= {"schema": "2.7", "temperature": [40, 41]}
    assert Report.from_json(record) == report


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": "3.0"}, "it has the schema 3.0, and this version reads 2.1"),
        (
            {
                "bundle": {
                    **dict.fromkeys(("name", "sha256"), ""),
                    "file": "x",
                    "height": 1,
                    "width": 1,
                },
                "further_bundles": [{}],
            },
            "lacks a field",
        ),
        ({"kind": "poem"}, "it is no report of bench"),
        ({"results": [{"engine": "onnx"}]}, "lacks a field"),
        ({"bundle": {}}, "lacks a field"),
        ({"workload": {}}, "the workload lacks a field"),
        ({"results": 3}, "lacks a field or has one of another type"),
    ],
)
def test_a_report_that_cannot_be_used_is_one_sentence(report, tmp_path, change, reason):
    path = tmp_path / "report.json"
    path.write_text(json.dumps({**json.loads(report.to_bytes()), **change}))
    with pytest.raises(ArtifactError) as caught:
        read_report(path)
    assert reason in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_damaged_file_is_refused(tmp_path, content):
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="cannot be used"):
        read_report(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_report(tmp_path / "missing.json")


def test_the_table_names_everything_that_is_absent_or_left_out(report):
    text = report_text(report)
    assert "Absent: p99 needs 1000 samples, there are 4." in text
    assert "Absent: status cannot be read here." in text
    assert "Left out: litert, tflite-runtime (not installed here)." in text


def test_why_figures_cannot_be_relied_on_is_in_the_file_and_the_table(report):
    sentence = (
        "onnx int8 (2 processes), onnx int8 gradient (2 processes), onnx float32 (2 processes): "
        "too few to tell chance from change; give --rounds 6 or more."
    )
    stability = json.loads(report.to_bytes())["stability"]
    assert stability["verdict"] == "unstable"
    assert sentence in stability["findings"]
    assert sentence in report_text(report)


def test_the_table_shows_figures_and_ratios(report):
    lines = report_text(report).splitlines()
    plain = next(line for line in lines if line.startswith("onnx int8 "))
    assert plain.split() == [
        "onnx", "int8", "2.500", "-", "-", "2.000", "to", "3.000", "1.000", "285.7", "50", "60",
        "4.000",
    ]  # fmt: skip
    ratio = next(line for line in lines if line.startswith("onnx int8 / onnx float32"))
    assert ratio.split()[-7:] == ["0.625", "0.500", "to", "0.750", "50.0", "%", "-1.500"]
    assert "first.edge  sha256 abababababababab  input 128 x 96" in lines[0]
