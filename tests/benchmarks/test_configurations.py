"""What is measured, in which order, and what is left out."""

from __future__ import annotations

import json

import pytest

from benchmarks import configurations
from benchmarks.absent import Absent
from benchmarks.configurations import Configuration, find_reference, matrix, schedule
from benchmarks.options import _ENGINE_NAMES
from edge_runtime.bundle import open_bundle
from edge_runtime.engines import ENGINES
from edge_runtime.errors import ArtifactError, DependencyError
from tests.edge_runtime import tiny_graphs


@pytest.fixture
def installed(monkeypatch):
    """Function that says which engines are installed."""

    def install(*names):
        monkeypatch.setattr(configurations, "installed_engines", lambda: names)

    install("onnx", "litert")
    return install


def names(plan):
    return [configuration.name for configuration in plan.configurations]


def test_rounds_are_interleaved():
    a, b = Configuration("onnx", "int8", "none"), Configuration("onnx", "float32", "none")
    assert list(schedule([a, b], 3)) == [(0, a), (0, b), (1, a), (1, b), (2, a), (2, b)]


def test_everything_that_is_there_is_measured(bundle_path, installed):
    bundle = open_bundle(bundle_path)
    assert names(matrix(bundle, find_reference(bundle))) == [
        "onnx int8",
        "onnx int8 cam",
        "onnx int8 gradient",
        "onnx float32",
        "litert int8",
        "litert int8 cam",
        "litert int8 gradient",
    ]


def test_what_cannot_be_measured_is_left_out_with_the_reason(bundle_path, installed):
    bundle = open_bundle(bundle_path)
    assert matrix(bundle, find_reference(bundle)).left_out == {
        "tflite-runtime": "not installed here",
        "onnx int8 gradient-early": "tiny.edge has no such graph",
        "onnx float32 cam": "tiny.reference has no such graph",
        "onnx float32 gradient-early": "tiny.reference has no such graph",
        "onnx float32 gradient": "tiny.reference has no such graph",
        "litert int8 gradient-early": "tiny.edge has no such graph",
        "litert float32": "tiny.reference has no such graph",
        "litert float32 cam": "tiny.reference has no such graph",
        "litert float32 gradient-early": "tiny.reference has no such graph",
        "litert float32 gradient": "tiny.reference has no such graph",
    }


def test_engines_and_maps_can_be_chosen(bundle_path, installed):
    plan = matrix(open_bundle(bundle_path), Absent("none"), ["litert", "litert"], ["gradient"])
    assert names(plan) == ["litert int8 gradient"]


def test_without_a_reference_int8_is_measured_alone(bundle_path, installed):
    bundle = open_bundle(bundle_path)
    bundle_path.with_name("tiny.reference").rename(bundle_path.with_name("elsewhere"))
    reference = find_reference(bundle)
    assert reference == Absent("tiny.reference does not lie beside the bundle")
    plan = matrix(bundle, reference, ["onnx"], ["none"])
    assert names(plan) == ["onnx int8"]
    assert plan.left_out == {"onnx float32": reference.reason}


def test_the_reference_of_another_bundle_is_not_compared_with(bundle_path):
    record_path = bundle_path.with_name("tiny.reference") / "reference.json"
    record = json.loads(record_path.read_text())
    record["bundle_sha256"] = "0" * 64
    record_path.write_text(json.dumps(record))
    found = find_reference(open_bundle(bundle_path))
    assert found == Absent("tiny.reference was exported with another bundle")


def test_an_engine_that_was_asked_for_must_be_installed(bundle_path, installed):
    installed("onnx")
    with pytest.raises(DependencyError, match=r"'litert' is not installed.*saliedge\[litert\]"):
        matrix(open_bundle(bundle_path), Absent("none"), ["litert"])


def test_a_graph_that_was_asked_for_must_be_there(tmp_path, installed):
    path = tmp_path / "onnx-only.edge"
    tiny_graphs.write_bundle(path, formats=("onnx",))
    with pytest.raises(ArtifactError, match="has no int8 tflite graph"):
        matrix(open_bundle(path), Absent("none"), ["litert"], ["none"])


def test_a_format_that_the_bundle_lacks_is_left_out_if_nobody_asked(tmp_path, installed):
    path = tmp_path / "onnx-only.edge"
    tiny_graphs.write_bundle(path, formats=("onnx",))
    plan = matrix(open_bundle(path), Absent("no reference"))
    assert names(plan) == ["onnx int8", "onnx int8 cam", "onnx int8 gradient"]
    assert plan.left_out["litert int8"] == "onnx-only.edge has no such graph"


def test_without_any_engine_the_error_says_what_to_install(bundle_path, installed, monkeypatch):
    installed()
    monkeypatch.setattr("edge_runtime.engines.registry.find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="pip install"):
        matrix(open_bundle(bundle_path), Absent("none"))


def test_a_configuration_reads_back_and_refuses_what_does_not_exist():
    configuration = Configuration("litert", "int8", "gradient")
    assert Configuration.from_json(configuration.to_json()) == configuration
    with pytest.raises(ValueError, match="no name of an engine"):
        Configuration("../onnx", "int8", "none")
    with pytest.raises(ValueError, match="no graph"):
        Configuration("onnx", "int9", "none")
    with pytest.raises(ValueError, match="lacks"):
        Configuration.from_json({"engine": "onnx"})
    with pytest.raises(ValueError, match="one thread at least"):
        Configuration("onnx", "int8", "none", threads=0)


def test_a_name_says_threads_and_bundle_only_where_they_are_chosen():
    assert Configuration("litert", "int8", "cam").name == "litert int8 cam"
    threaded = Configuration("litert", "int8", "none", threads=2, bundle="first.edge")
    assert threaded.name == "litert int8, 2 threads, first.edge"
    assert Configuration("onnx", "int8", "none", threads=1).name == "onnx int8, 1 thread"


def test_the_command_offers_exactly_the_engines_there_are():
    assert tuple(ENGINES) == _ENGINE_NAMES
