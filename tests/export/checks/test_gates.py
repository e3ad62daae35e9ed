from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from edge_runtime.errors import DependencyError
from export.candidate import Candidate, emit_references
from export.checks import gates
from export.checks.gates import GateThresholds, judge
from export.golden import golden_images
from export.lower import lower
from export.onnx_format.emitter import emit_onnx
from export.operations import Conv
from export.tflite_format.emitter import emit_tflite


@pytest.fixture(scope="module")
def golden(trained):
    return golden_images(trained.preprocessing)


def _failed(candidate, calibration, golden, thresholds=None):
    return {gate.name for gate in judge(candidate, calibration, golden, thresholds).failed}


def _with_graphs(candidate: Candidate, **models: bytes) -> Candidate:
    """The candidate with other bytes for some files, named by their format and mode."""
    graphs = tuple(
        replace(graph, model=models.get(f"{graph.spec.format}_{graph.spec.saliency}", graph.model))
        for graph in candidate.graphs
    )
    return replace(candidate, graphs=graphs)


def _program_with_one_weight_changed(program):
    """The last layer's largest weight with its sign turned: the smallest thing that matters."""
    operations = list(program.operations)
    index = next(i for i, op in enumerate(operations) if type(op).__name__ == "Linear")
    weight = operations[index].weight.copy()
    weight[np.unravel_index(np.abs(weight).argmax(), weight.shape)] *= -1
    operations[index] = replace(operations[index], weight=weight)
    return replace(program, operations=tuple(operations))


@pytest.fixture(scope="module")
def report(candidate, calibration, golden):
    return judge(candidate, calibration, golden)


def test_the_graphs_of_a_run_pass(report):
    assert report.failed == ()


def test_both_engines_give_the_reference_on_every_image(report):
    for engine in ("onnx", "litert"):
        histogram = report.details[f"{engine} logits"]["histogram_steps"]
        assert sum(histogram.values()) == 30 * 3
        assert set(histogram) <= {"-1", "0", "1"}


@pytest.mark.parametrize("mode", ["gradient", "gradient-early", "cam"])
def test_maps_are_compared_with_the_reference_and_with_torch(report, mode):
    names = {gate.name for gate in report.gates}
    for engine in ("onnx", "litert"):
        assert f"{engine} {mode}: median Spearman with the reference" in names
        assert f"{engine} {mode}: median Spearman with torch" in names


def test_the_report_holds_every_range_and_is_json(report):
    import json

    record = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert record["passed"] is True
    assert all(entry["onnx"]["exact"] and entry["tflite"]["exact"] for entry in record["ranges"])


@pytest.mark.parametrize(
    ("emit", "engine", "key"),
    [(emit_onnx, "onnx", "onnx_none"), (emit_tflite, "litert", "tflite_none")],
)
def test_one_wrong_weight_in_one_file_is_seen(candidate, calibration, golden, emit, engine, key):
    wrong = emit(_program_with_one_weight_changed(candidate.plain))
    failed = _failed(_with_graphs(candidate, **{key: wrong}), calibration, golden)
    assert f"{engine}: logit steps" in failed
    assert f"{engine} gradient: logit steps" in failed


def test_a_map_that_is_shifted_by_a_pixel_agrees_less(candidate, calibration, golden):
    program = candidate.programs["gradient"]
    operations = tuple(
        replace(op, weight=np.roll(op.weight, 1, axis=2))
        if isinstance(op, Conv) and op.output.startswith("gradient/image")
        else op
        for op in program.operations
    )
    wrong = emit_onnx(replace(program, operations=operations))
    parity = judge(_with_graphs(candidate, onnx_gradient=wrong), calibration, golden)
    found = parity.details["onnx gradient maps"]["median_spearman"]
    assert found < parity.details["litert gradient maps"]["median_spearman"]


def test_a_float_file_is_seen(trained, candidate, calibration, golden):
    in_onnx, in_tflite = emit_references(trained.network)
    wrong = _with_graphs(candidate, onnx_none=in_onnx.model, tflite_none=in_tflite.model)
    failed = _failed(wrong, calibration, golden)
    assert {"int8.onnx: float operations", "int8.tflite: float operations"} <= failed
    assert {f"{name}: ranges that do not arrive" for name in ("onnx", "tflite")} <= failed


def test_ranges_other_than_the_learned_are_seen(trained, candidate, calibration, golden):
    import copy

    network = copy.deepcopy(trained.network)
    with torch.no_grad():
        network.alpha_parameters()[0].mul_(1 + 3e-7)
    wrong = _with_graphs(candidate, onnx_none=emit_onnx(lower(network)))
    failed = _failed(wrong, calibration, golden)
    assert "onnx: ranges that do not arrive" in failed
    assert "tflite: ranges that do not arrive" not in failed


def test_a_threshold_that_is_out_of_reach_fails(candidate, calibration, golden):
    asked = GateThresholds(gradient_spearman=1.01)
    failed = _failed(candidate, calibration, golden, asked)
    names = {f"{engine} gradient: median Spearman with torch" for engine in ("onnx", "litert")}
    assert failed == names


def test_a_network_that_is_not_its_program_fails(candidate, calibration, golden):
    failed = _failed(candidate, calibration, golden, GateThresholds(torch_steps=-1))
    assert failed == {"torch: logit steps"}


def test_a_format_that_no_engine_runs_cannot_be_proven(candidate, calibration, golden, monkeypatch):
    monkeypatch.setattr(gates, "installed_engines", lambda: ("onnx",))
    with pytest.raises(DependencyError, match=r"saliedge\[litert\]"):
        judge(candidate, calibration, golden)
