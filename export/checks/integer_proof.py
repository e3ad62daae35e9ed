"""Proof that a graph computes in integers: read from what the engine executes and what is stored.

ONNX Runtime rewrites a model before it runs it, so the judged graph is the one it has optimised,
saved by a session with the options of the devices. A TFLite model is executed as it is stored.

Rules:

1. Integer kernels may compute. Operations that only move values may take them as they come.
2. A dequantisation is an exit: behind it, up to an output, only tails may follow, which
   choose, reorder and take magnitudes of finished numbers, or multiply them by a number that is
   looked up in a constant table.
3. Anything else is a float operation, and so is a quantisation, which would lead back in.
4. In TFLite the bytes of the image may come in by way of real numbers: what is dequantised from an
   input and quantised at once. That each byte comes in as it is, is tested of the export.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import onnx
from ai_edge_litert import schema_py_generated as schema

from edge_runtime.errors import OutputError

__all__ = ["float_operations_onnx", "float_operations_tflite", "optimized_onnx"]

_ONNX_INTEGER = frozenset(
    {
        "QGemm",
        "QLinearAdd",
        "QLinearAveragePool",
        "QLinearConcat",
        "QLinearConv",
        "QLinearGlobalAveragePool",
        "QLinearMatMul",
        "QLinearMul",
        "QLinearWhere",
    }
)
# On integers: moves, bounds, extremes and their distance, and the choice of a class by index.
_ONNX_MOVES = frozenset(
    {
        "ArgMax",
        "Cast",
        "Concat",
        "DepthToSpace",
        "Flatten",
        "Gather",
        "Identity",
        "Less",
        "Max",
        "MaxPool",
        "Min",
        "NhwcMaxPool",
        "Pad",
        "ReduceMax",
        "ReduceMin",
        "Reshape",
        "Slice",
        "Split",
        "Squeeze",
        "Sub",
        "Transpose",
        "Unsqueeze",
        "Where",
    }
)
_ONNX_TAILS = frozenset({"Abs", "Gather", "Identity", "ReduceMax", "Reshape", "Squeeze"})
_ONNX_REAL = (
    onnx.TensorProto.FLOAT,
    onnx.TensorProto.FLOAT16,
    onnx.TensorProto.DOUBLE,
    onnx.TensorProto.BFLOAT16,
)

_TFLITE_TAILS = frozenset({"ABS", "GATHER", "REDUCE_MAX", "RESHAPE"})
_TFLITE_REAL = (
    schema.TensorType.FLOAT32,
    schema.TensorType.FLOAT16,
    schema.TensorType.FLOAT64,
)
_TFLITE_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}


def optimized_onnx(model: bytes) -> bytes:
    """The graph that ONNX Runtime executes for ``model`` on this machine, as an ONNX file.

    Raises:
        OutputError: the temporary folder is full; the model itself has run before.
    """
    from edge_runtime.engines.onnx import onnxruntime, session_options

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "optimized.onnx"
        options = session_options(threads=1)
        options.optimized_model_filepath = str(path)
        try:
            onnxruntime.InferenceSession(
                model, sess_options=options, providers=["CPUExecutionProvider"]
            )
            return path.read_bytes()
        except Exception as error:  # ONNX Runtime's own exceptions share no public base class
            raise OutputError(
                f"ONNX Runtime could not write the graph that it executes to the temporary folder "
                f"{Path(folder).parent} ({str(error).strip()}); free some space there, or name "
                "another in TMPDIR."
            ) from error


def float_operations_onnx(model: bytes) -> tuple[str, ...]:
    """``operator: output`` of each float operation in an (optimised) ONNX graph."""
    graph = onnx.load_model_from_string(model).graph
    tables = {tensor.name for tensor in graph.initializer if tensor.data_type in _ONNX_REAL}
    real, looked_up = set(tables), set()
    found = []
    for node in graph.node:
        # An integer kernel reads scales, which are real operands but no data.
        if node.op_type in _ONNX_INTEGER:
            continue
        reads_real = any(name in real for name in node.input)
        if node.op_type in _ONNX_MOVES and not reads_real and not _casts_to_real(node):
            continue
        if node.op_type == "Gather" and node.input[0] in tables:
            looked_up.add(node.output[0])
        is_tail = node.op_type in _ONNX_TAILS and reads_real
        is_tail |= node.op_type == "Mul" and _once(node.input, looked_up)
        if not is_tail and node.op_type != "DequantizeLinear":
            found.append(f"{node.op_type}: {node.output[0]}")
        real.update(node.output)
    return tuple(found)


def float_operations_tflite(model: bytes) -> tuple[str, ...]:
    """``operator: output`` of each float operation in a TFLite graph."""
    root = schema.Model.GetRootAs(model, 0)
    graph = root.Subgraphs(0)

    def is_real(index: int) -> bool:
        return index >= 0 and graph.Tensors(index).Type() in _TFLITE_REAL

    def is_constant(index: int) -> bool:
        return bool(root.Buffers(graph.Tensors(index).Buffer()).DataLength())

    found: list[str] = []
    looked_up: set[int] = set()
    entering: set[int] = set()
    given = {graph.Inputs(index) for index in range(graph.InputsLength())}
    for position in range(graph.OperatorsLength()):
        operator = graph.Operators(position)
        code = root.OperatorCodes(operator.OpcodeIndex())
        # Old files keep small codes in the one-byte field.
        kind = _TFLITE_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = [operator.Inputs(i) for i in range(operator.InputsLength())]
        outputs = [operator.Outputs(i) for i in range(operator.OutputsLength())]
        reads_real, writes_real = any(map(is_real, inputs)), any(map(is_real, outputs))
        is_exit = kind == "DEQUANTIZE" and not reads_real
        if is_exit and given.issuperset(inputs):
            entering.update(outputs)
        is_entry = kind == "QUANTIZE" and entering.issuperset(inputs)
        is_tail = kind in _TFLITE_TAILS and reads_real and writes_real
        if kind == "GATHER" and is_constant(inputs[0]):
            looked_up.update(outputs)
        is_tail |= kind == "MUL" and _once(inputs, looked_up)
        if (reads_real or writes_real) and not (is_entry or is_exit or is_tail):
            found.append(f"{kind}: {graph.Tensors(outputs[0]).Name().decode()}")
    return tuple(found)


def _once(inputs: Iterable[Any], looked_up: set[Any]) -> bool:
    return len([name for name in inputs if name in looked_up]) == 1


def _casts_to_real(node: onnx.NodeProto) -> bool:
    return node.op_type == "Cast" and any(
        attribute.name == "to" and attribute.i in _ONNX_REAL for attribute in node.attribute
    )
