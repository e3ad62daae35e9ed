"""Multiply-accumulates, against a convolution counted by hand and between the two formats."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.emulate.multiplications import multiply_accumulates, onnx_macs, tflite_macs
from edge_runtime.bundle import open_bundle


def onnx_model(node, weight_shape, input_shape, output_shape):
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.zeros(weight_shape, np.float32), "w")
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output_shape)],
        [weight],
    )
    return helper.make_model(graph).SerializeToString()


@pytest.mark.parametrize(
    ("operation", "attributes", "weight", "given", "output", "macs"),
    [
        ("Conv", {}, [8, 3, 3, 3], [1, 3, 6, 6], [1, 8, 4, 4], 8 * 4 * 4 * 27),
        ("Conv", {"group": 8}, [8, 1, 3, 3], [1, 8, 6, 6], [1, 8, 4, 4], 8 * 4 * 4 * 9),
        ("ConvTranspose", {}, [3, 8, 2, 2], [1, 3, 4, 4], [1, 8, 5, 5], 3 * 4 * 4 * 8 * 4),
        ("MatMul", {}, [12, 5], [1, 12], [1, 5], 60),
        ("Add", {}, [1, 5], [1, 5], [1, 5], 0),
    ],
)
def test_an_operation_by_hand(operation, attributes, weight, given, output, macs):
    from onnx import helper

    node = helper.make_node(operation, ["x", "w"], ["y"], **attributes)
    assert onnx_macs(onnx_model(node, weight, given, output)) == macs


@pytest.mark.parametrize("saliency", ["none", "cam", "gradient"])
def test_both_formats_of_a_bundle_multiply_as_often(tiny_bundle, saliency):
    bundle = open_bundle(tiny_bundle)
    counts = [
        multiply_accumulates(format, bundle.graph("int8", format, saliency)[1])
        for format in ("onnx", "tflite")
    ]
    assert counts[0] == counts[1] > 0


def test_a_map_by_gradient_multiplies_more_than_the_logits(tiny_bundle):
    bundle = open_bundle(tiny_bundle)
    plain, gradient = (
        tflite_macs(bundle.graph("int8", "tflite", saliency)[1])
        for saliency in ("none", "gradient")
    )
    assert gradient > plain
