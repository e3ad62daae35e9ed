"""A thin builder over the official TFLite schema: tensors, operators, constants, one signature."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

__all__ = ["FlatbufferBuilder", "schema"]

_SCHEMA_VERSION = 3
_FILE_IDENTIFIER = b"TFL3"
_TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}
# Above this builtin code the old one-byte field holds a placeholder.
_LAST_ONE_BYTE_CODE = 127


class FlatbufferBuilder:
    """Collects one subgraph. Tensors are addressed by name."""

    def __init__(self, description: str) -> None:
        self._model = schema.ModelT()
        self._model.version = _SCHEMA_VERSION
        self._model.description = description
        # Buffer 0 is the empty one that activations refer to.
        self._model.buffers = [schema.BufferT()]
        self._model.operatorCodes = []
        self._graph = schema.SubGraphT()
        self._graph.name = "main"
        self._graph.tensors, self._graph.operators = [], []
        self._model.subgraphs = [self._graph]
        self._indices: dict[str, int] = {}
        self._codes: dict[tuple[int, int], int] = {}

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: type[np.generic],
        *,
        scale: np.ndarray | float | None = None,
        zero_point: int = 0,
        axis: int = 0,
        data: np.ndarray | None = None,
    ) -> str:
        """Declare a tensor (once) and give its name.

        Args:
            name: unique.
            shape: with the batch.
            dtype: numpy scalar type.
            scale: one number, or ``[O]`` along ``axis``; None for a tensor without quantisation.
            zero_point: of all channels.
            axis: of a per-channel scale.
            data: contents of a constant.
        """
        if name in self._indices:
            return name
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, list(shape), _TYPES[np.dtype(dtype)]
        tensor.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)
            self._model.buffers.append(buffer)
            tensor.buffer = len(self._model.buffers) - 1
        if scale is not None:
            quantization = schema.QuantizationParametersT()
            quantization.scale = np.atleast_1d(np.asarray(scale, np.float32))
            zeros = np.full(len(quantization.scale), zero_point, np.int64)
            quantization.zeroPoint, quantization.quantizedDimension = zeros, axis
            tensor.quantization = quantization
        self._indices[name] = len(self._graph.tensors)
        self._graph.tensors.append(tensor)
        return name

    def operator(
        self, kind: str, inputs: list[str], output: str, *, version: int = 1, **options: Any
    ) -> str:
        """Append an operator, such as ``CONV_2D``, and give its output's name.

        ``options`` are the fields of the operator's options table.
        """
        code = getattr(schema.BuiltinOperator, kind)
        if (code, version) not in self._codes:
            entry = schema.OperatorCodeT()
            entry.builtinCode = code
            entry.deprecatedBuiltinCode = min(code, _LAST_ONE_BYTE_CODE)
            entry.version = version
            self._codes[(code, version)] = len(self._model.operatorCodes)
            self._model.operatorCodes.append(entry)
        operator = schema.OperatorT()
        operator.opcodeIndex = self._codes[(code, version)]
        operator.inputs = [self._indices[name] for name in inputs]
        operator.outputs = [self._indices[output]]
        table = _OPTIONS[kind]
        operator.builtinOptions = getattr(schema, f"{table}T")()
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
        for field, value in options.items():
            if not hasattr(operator.builtinOptions, field):
                raise AttributeError(f"{table} has no field {field!r}")
            setattr(operator.builtinOptions, field, value)
        self._graph.operators.append(operator)
        return output

    def finish(self, inputs: list[str], outputs: list[str]) -> bytes:
        """Close the graph with the signature ``serving_default`` and serialise it."""
        self._graph.inputs = [self._indices[name] for name in inputs]
        self._graph.outputs = [self._indices[name] for name in outputs]
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", 0
        signature.inputs = [self._signature_entry(name) for name in inputs]
        signature.outputs = [self._signature_entry(name) for name in outputs]
        self._model.signatureDefs = [signature]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), _FILE_IDENTIFIER)
        return bytes(builder.Output())

    def _signature_entry(self, name: str) -> Any:
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name, self._indices[name]
        return entry


_OPTIONS = {
    "ABS": "AbsOptions",
    "ADD": "AddOptions",
    "ARG_MAX": "ArgMaxOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "CAST": "CastOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "DEQUANTIZE": "DequantizeOptions",
    "GATHER": "GatherOptions",
    "LESS": "LessOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MUL": "MulOptions",
    "PAD": "PadOptions",
    "PADV2": "PadV2Options",
    "QUANTIZE": "QuantizeOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "RESHAPE": "ReshapeOptions",
    "SELECT_V2": "SelectV2Options",
    "SLICE": "SliceOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "SUB": "SubOptions",
}
