"""Multiply-accumulates of a graph, for the fewest instructions that a processor could take.

Counted from the graph's file as the engine gets it: convolutions and matrix products, dense in
every position (also where a backward pass multiplies with inserted zeros). Element-wise operations
count nothing, so the bound is a bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks.absent import Absent

__all__ = ["multiply_accumulates", "onnx_macs", "tflite_macs"]

_ONNX_CONVOLUTIONS = ("Conv", "ConvInteger", "QLinearConv", "ConvTranspose")
_ONNX_PRODUCTS = ("Gemm", "MatMul", "QGemm", "QLinearMatMul", "MatMulInteger")
_WEIGHT_INPUT_OF_QUANTIZED = 3


def multiply_accumulates(graph_format: str, model: bytes) -> int | Absent:
    """Return the multiply-accumulates of a graph, or why they are not known.

    Args:
        graph_format: ``onnx`` or ``tflite``.
        model: The graph's file.
    """
    count = onnx_macs if graph_format == "onnx" else tflite_macs
    try:
        return count(model)
    except ModuleNotFoundError as error:
        return Absent(f"counting multiplications needs {error.name}, which is not installed")


def onnx_macs(model: bytes) -> int:
    """Count in an ONNX model whose shapes are fixed."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(model)).graph
    shapes = {item.name: list(item.dims) for item in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = [side.dim_value for side in value.type.tensor_type.shape.dim]
    # A weight behind DequantizeLinear has the shape of what it is made of.
    total = 0
    for node in graph.node:
        quantized = node.op_type.startswith("QLinear")
        if node.op_type not in (*_ONNX_CONVOLUTIONS, *_ONNX_PRODUCTS):
            continue
        weight_input = _WEIGHT_INPUT_OF_QUANTIZED if quantized or node.op_type == "QGemm" else 1
        weight, output = shapes[node.input[weight_input]], shapes[node.output[0]]
        if node.op_type == "ConvTranspose":
            total += math.prod(shapes[node.input[0]]) * math.prod(weight[1:])
        elif node.op_type in _ONNX_CONVOLUTIONS:
            total += math.prod(output) * math.prod(weight[1:])
        else:
            total += math.prod(output) * shapes[node.input[0]][-1]
    return total


def tflite_macs(model: bytes) -> int:
    """Count in a TFLite model."""
    schema: Any = import_module("ai_edge_litert.schema_py_generated")
    loaded = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    codes = [
        names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in loaded.operatorCodes
    ]
    (graph,) = loaded.subgraphs
    total = 0
    for operator in graph.operators:
        inputs = [() if i < 0 else _shape(graph.tensors[i]) for i in operator.inputs]
        total += _tflite_operator(
            codes[operator.opcodeIndex], inputs, _shape(graph.tensors[operator.outputs[0]])
        )
    return total


def _tflite_operator(name: str, inputs: Sequence[Sequence[int]], output: Sequence[int]) -> int:
    if name == "CONV_2D":  # weight [out, kh, kw, in]
        return math.prod(output) * math.prod(inputs[1][1:])
    if name == "DEPTHWISE_CONV_2D":  # weight [1, kh, kw, out]
        return math.prod(output) * math.prod(inputs[1][1:3])
    if name == "TRANSPOSE_CONV":  # inputs: shape, weight [out, kh, kw, in], values
        return math.prod(inputs[2]) * math.prod(inputs[1][:3])
    if name in ("FULLY_CONNECTED", "BATCH_MATMUL"):
        return math.prod(output) * inputs[0][-1]
    return 0


def _shape(tensor: Any) -> tuple[int, ...]:
    return () if tensor.shape is None else tuple(int(side) for side in tensor.shape)
