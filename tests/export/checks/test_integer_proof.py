from __future__ import annotations

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from onnx import TensorProto, helper, numpy_helper

from export.candidate import emit_references
from export.checks.integer_proof import (
    float_operations_onnx,
    float_operations_tflite,
    optimized_onnx,
)
from export.tflite_format.flatbuffer import FlatbufferBuilder


@pytest.mark.parametrize("mode", ["none", "gradient", "gradient-early", "cam"])
def test_the_emitted_graphs_compute_in_integers(candidate, mode):
    onnx_graph = optimized_onnx(candidate.graph("onnx", mode).model)
    assert float_operations_onnx(onnx_graph) == ()
    assert float_operations_tflite(candidate.graph("tflite", mode).model) == ()


def test_the_float_reference_is_seen_to_be_float(trained):
    in_onnx, in_tflite = emit_references(trained.network)
    assert float_operations_onnx(optimized_onnx(in_onnx.model))[0].startswith("Conv")
    found = {name.partition(":")[0] for name in float_operations_tflite(in_tflite.model)}
    assert "CONV_2D" in found


def _onnx(*nodes):
    constants = [
        numpy_helper.from_array(np.array(0.1, np.float32), "scale"),
        numpy_helper.from_array(np.array(0, np.uint8), "zero"),
        numpy_helper.from_array(np.ones(4, np.float32), "table"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 4])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 4])
    graph = helper.make_graph(list(nodes), "g", [image], [logits], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]).SerializeToString()


def _node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs, [output], **attributes)


def test_a_dequantisation_at_the_end_is_no_float_operation():
    model = _onnx(_node("DequantizeLinear", ["image", "scale", "zero"], "logits"))
    assert float_operations_onnx(model) == ()


def test_a_pair_of_quantisations_inside_is_found():
    model = _onnx(
        _node("DequantizeLinear", ["image", "scale", "zero"], "real"),
        _node("QuantizeLinear", ["real", "scale", "zero"], "again"),
        _node("DequantizeLinear", ["again", "scale", "zero"], "logits"),
    )
    assert float_operations_onnx(model) == ("QuantizeLinear: again",)


@pytest.mark.parametrize("kind", ["Add", "Mul"])
def test_arithmetic_behind_a_dequantisation_is_found(kind):
    model = _onnx(
        _node("DequantizeLinear", ["image", "scale", "zero"], "real"),
        _node(kind, ["real", "real"], "logits"),
    )
    assert float_operations_onnx(model) == (f"{kind}: logits",)


@pytest.mark.parametrize(
    ("factors", "found"), [(["real", "factor"], ()), (["factor", "factor"], ("Mul: logits",))]
)
def test_a_finished_number_may_be_multiplied_by_a_looked_up_one(factors, found):
    model = _onnx(
        _node("ArgMax", ["image"], "index", axis=1, keepdims=0),
        _node("Gather", ["table", "index"], "factor", axis=0),
        _node("DequantizeLinear", ["image", "scale", "zero"], "real"),
        _node("Mul", factors, "logits"),
    )
    assert float_operations_onnx(model) == found


def test_a_cast_to_float_is_found():
    model = _onnx(_node("Cast", ["image"], "logits", to=TensorProto.FLOAT))
    assert float_operations_onnx(model) == ("Cast: logits",)


def test_the_optimised_graph_is_what_onnx_runtime_executes(candidate):
    model = onnx.load_model_from_string(optimized_onnx(candidate.graph("onnx", "none").model))
    assert {node.domain for node in model.graph.node if node.op_type == "QLinearConv"} == {
        "com.microsoft"
    }


def test_a_tflite_kernel_between_two_floats_is_found():
    builder = FlatbufferBuilder("test")
    builder.tensor("image", (1, 4), np.int8, scale=0.1)
    builder.tensor("real", (1, 4), np.float32)
    builder.tensor("logits", (1, 4), np.float32)
    builder.operator("DEQUANTIZE", ["image"], "real")
    activation = schema.ActivationFunctionType.NONE
    builder.operator("ADD", ["real", "real"], "logits", fusedActivationFunction=activation)
    assert float_operations_tflite(builder.finish(["image"], ["logits"])) == ("ADD: logits",)


@pytest.mark.parametrize(("source", "found"), [("image", ()), ("moved", ("QUANTIZE: bytes",))])
def test_only_the_image_may_come_in_by_way_of_real_numbers(source, found):
    builder = FlatbufferBuilder("test")
    builder.tensor("image", (1, 4), np.uint8, scale=0.1)
    builder.tensor("moved", (1, 4), np.uint8, scale=0.1)
    for name in ("real", "logits"):
        builder.tensor(name, (1, 4), np.float32)
    builder.tensor("bytes", (1, 4), np.int8, scale=0.1, zero_point=-128)
    shape = builder.tensor("shape", (2,), np.int32, data=np.array([1, 4], np.int32))
    builder.operator("RESHAPE", ["image", shape], "moved", newShape=[1, 4])
    builder.operator("DEQUANTIZE", [source], "real")
    builder.operator("QUANTIZE", ["real"], "bytes")
    builder.operator("DEQUANTIZE", ["bytes"], "logits")
    assert float_operations_tflite(builder.finish(["image"], ["logits"])) == found


@pytest.mark.parametrize(
    ("factors", "found"), [(["real", "factor"], ()), (["real", "real"], ("MUL: logits",))]
)
def test_only_a_looked_up_factor_may_multiply_in_tflite(factors, found):
    builder = FlatbufferBuilder("test")
    builder.tensor("image", (1, 4), np.int8, scale=0.1)
    builder.tensor("index", (1,), np.int32, data=np.array([2], np.int32))
    builder.tensor("table", (4,), np.float32, data=np.ones(4, np.float32))
    for name, shape in (("real", (1, 4)), ("factor", (1,)), ("logits", (1, 4))):
        builder.tensor(name, shape, np.float32)
    builder.operator("DEQUANTIZE", ["image"], "real")
    builder.operator("GATHER", ["table", "index"], "factor")
    builder.operator("MUL", factors, "logits")
    assert float_operations_tflite(builder.finish(["image"], ["logits"])) == found
