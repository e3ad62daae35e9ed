"""ONNX graphs whose data lie in other files are refused before any engine sees them."""

from __future__ import annotations

import dataclasses

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from edge_runtime import open_bundle
from edge_runtime.engines import load_engine
from edge_runtime.engines.onnx_files import refers_to_other_files
from edge_runtime.errors import ArtifactError
from tests.edge_runtime import tiny_graphs

GOOD = tiny_graphs.onnx_graph("none")


def _external(name="weight", location="../../etc/hostname"):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[3, 3])
    tensor.data_location = TensorProto.EXTERNAL
    found = tensor.external_data.add()
    found.key, found.value = "location", location
    return tensor


def _in_initializer(model):
    (index,) = (i for i, t in enumerate(model.graph.initializer) if t.name == "weight")
    model.graph.initializer[index].CopyFrom(_external())


def _in_constant(model):
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=_external("c")))


def _in_branch(model):
    branch = helper.make_graph([], "branch", [], [], [_external()])
    model.graph.node.append(
        helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    )


def _in_function(model):
    node = helper.make_node("Constant", [], ["c"], value=_external("c"))
    function = helper.make_function("d", "f", [], ["c"], [node], [helper.make_opsetid("", 21)])
    model.functions.append(function)


def _by_location_alone(model):
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL


CHANGES = [_in_initializer, _in_constant, _in_branch, _in_function, _by_location_alone]


@pytest.mark.parametrize("mode", ["none", "gradient", "cam"])
def test_whole_graphs_refer_to_nothing(mode):
    assert not refers_to_other_files(tiny_graphs.onnx_graph(mode))


def test_graphs_of_an_export_refer_to_nothing(tiny_bundle):
    bundle = open_bundle(tiny_bundle)
    for graph in bundle.spec.graphs:
        if graph.format == "onnx":
            assert not refers_to_other_files(bundle.read_file(graph.file))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_data_elsewhere_is_seen_wherever_it_hides(change):
    model = onnx.load_model_from_string(GOOD)
    change(model)
    assert refers_to_other_files(model.SerializeToString())


def test_the_engine_refuses_such_a_graph_in_one_sentence(capfd):
    model = onnx.load_model_from_string(GOOD)
    _in_initializer(model)
    spec = tiny_graphs.graph_spec("onnx", "none")
    with pytest.raises(ArtifactError, match="keeps data in other files"):
        load_engine("onnx", spec, model.SerializeToString())
    assert capfd.readouterr() == ("", "")


def test_a_graph_that_the_engine_cannot_load_leaves_the_terminal_clean(capfd):
    model = onnx.load_model_from_string(GOOD)
    model.graph.node[0].op_type = "Nonsense"
    spec = dataclasses.replace(tiny_graphs.graph_spec("onnx", "none"))
    with pytest.raises(ArtifactError, match="cannot load"):
        load_engine("onnx", spec, model.SerializeToString())
    assert capfd.readouterr() == ("", "")


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_noise_has_an_answer(noise):
    assert refers_to_other_files(noise) in (True, False)


@settings(max_examples=200)
@given(position=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_has_an_answer(position, bit):
    data = bytearray(GOOD)
    data[position] ^= 1 << bit
    assert refers_to_other_files(bytes(data)) in (True, False)


def test_a_message_nested_without_end_is_refused():
    inner = b""
    for _ in range(200):  # graph in attribute in node in graph ...
        for field in (6, 5, 1):
            inner = bytes([field << 3 | 2]) + _varint(len(inner)) + inner
    assert refers_to_other_files(bytes([7 << 3 | 2]) + _varint(len(inner)) + inner)


def _varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
