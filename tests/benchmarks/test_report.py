"""The JSON file: it reads back whole, and says no to what it does not know."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from benchmarks.report import Report, read_report
from benchmarks.reporting.table import report_text
from edge_runtime.errors import ArtifactError

DOCUMENTED = Path(__file__).parents[2] / "docs" / "reference" / "bench-report.schema.json"


@pytest.fixture(scope="module")
def schema():
    """The schema that the documentation has."""
    record = json.loads(DOCUMENTED.read_text())
    jsonschema.Draft202012Validator.check_schema(record)
    return jsonschema.Draft202012Validator(record)


def test_a_report_reads_back_from_its_file(report, tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(report.to_bytes())
    assert read_report(path) == report
    assert read_report(path).to_bytes() == report.to_bytes()


def test_the_file_has_the_figures_beside_the_samples(report):
    record = json.loads(report.to_bytes())
    assert (record["kind"], record["schema"]) == ("saliedge-bench", "1.2")
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


def test_the_file_is_what_the_documented_schema_says(report, schema):
    record = json.loads(report.to_bytes())
    assert [error.message for error in schema.iter_errors(record)] == []
    assert f"schema {record['schema']}" in schema.schema["description"]


def test_the_documented_schema_names_everything_in_the_file(report, schema):
    """An entry that the code adds and the document forgets is found."""

    def check(record, part):
        while "$ref" in part:
            part = schema.schema["$defs"][part["$ref"].rpartition("/")[2]]
        if isinstance(record, list) and "items" in part:
            for item in record:
                check(item, part["items"])
        elif isinstance(record, dict) and "properties" in part:
            assert record.keys() == part["properties"].keys()
            for name, value in record.items():
                check(value, part["properties"][name])

    check(json.loads(report.to_bytes()), schema.schema)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "poem"},
        {"schema": "2.0"},
        {"seconds": None},
        {"results": [{"engine": "onnx"}]},
        {"stability": {"verdict": "perhaps", "findings": []}},
        {"bundle": {"file": "first.edge"}},
    ],
)
def test_the_documented_schema_refuses_what_is_no_report(report, schema, change):
    assert not schema.is_valid(json.loads(report.to_bytes()) | change)


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
    record |= {"schema": "1.7", "temperature": [40, 41]}
    assert Report.from_json(record) == report


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": "2.0"}, "it has the schema 2.0, and this version reads 1.2"),
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
        "onnx int8, onnx int8 gradient, onnx float32: 2 processes are too few to tell chance from "
        "change; give --rounds 6 or more."
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
