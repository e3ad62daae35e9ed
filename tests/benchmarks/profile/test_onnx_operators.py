"""Operators of an ONNX graph, by the engine's own profiler."""

from __future__ import annotations

from benchmarks.configurations import Configuration, graph_of
from benchmarks.profile.onnx_operators import operators_of_trace, profile_onnx
from benchmarks.profile.operators import Operator, Operators, by_type, slowest
from edge_runtime.bundle import open_bundle
from tests.edge_runtime import tiny_graphs


def event(name, dur, kind="float", shape=(1, 8)):
    """An event of a node as ONNX Runtime writes it."""
    tensors = [{kind: list(shape)}]
    sides = {"input_type_shape": tensors, "output_type_shape": tensors}
    return {
        "cat": "Node",
        "name": f"{name}_kernel_time",
        "dur": dur,
        "args": {"op_name": name.title(), **sides},
    }


def test_the_last_runs_count_and_other_events_do_not():
    first, *others = (event("conv", dur) for dur in (9000, 100, 200, 300))
    session = {"cat": "Session", "name": "model_run", "dur": 5, "args": {}}
    (found,) = operators_of_trace([first, session, *others], runs=3)
    assert found == Operator("conv", "Conv", 0.2, is_float=True)


def test_bytes_and_single_numbers_are_no_floating_point():
    found = operators_of_trace([event("a", 1, "uint8"), event("b", 1, shape=(1,))], runs=1)
    assert [item.is_float for item in found] == [False, False]


def test_a_real_graph_is_profiled_and_leaves_no_file(bundle_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    bundle = open_bundle(bundle_path)
    graph = graph_of(bundle, Configuration("onnx", "int8", "gradient"))
    images = [image[None] for image in tiny_graphs.golden_images()]
    found = profile_onnx(bundle, graph, images, 5, threads=1)
    assert found.ms > 0
    assert len(found.items) > 3
    assert set(tmp_path.rglob("*")) == before


def test_types_are_added_up_with_the_slowest_first():
    items = (
        Operator("1", "Conv", 1.0, True),
        Operator("2", "Add", 3.0, False),
        Operator("3", "Conv", 4.0, True),
    )
    operators = Operators("by hand", "1.0", items)
    assert [(item.type, item.count, item.share) for item in by_type(operators)] == [
        ("Conv", 2, 0.625),
        ("Add", 1, 0.375),
    ]
    assert operators.float_share == 0.625
    assert [item.name for item in slowest(operators, 2)] == ["3", "2"]
    assert Operators.from_json(operators.to_json()) == operators
