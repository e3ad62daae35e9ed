"""Write a program as a TFLite graph of integer kernels.

Activations are int8: unsigned sites at zero point -128, signed sites at 0. Tensors are NHWC; flat
tensors stay ``[1, 1, 1, C]`` until they leave the graph, so that the classifier is a 1 x 1
convolution, whose per-channel weights every runtime since 2.3 understands.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import edge_runtime
from edge_runtime.errors import ArtifactError
from export import operations as ops
from export.flatbuffer import FlatbufferBuilder, schema
from export.gains import fold_gain, plan_gains
from export.program import (
    CLASS_INDEX,
    CLASS_INDEX_USED,
    IMAGE,
    SALIENCY,
    Operation,
    Program,
    TensorSpec,
)

__all__ = ["emit_tflite"]

_UNSIGNED_ZERO = -128
_SAME, _VALID = schema.Padding.SAME, schema.Padding.VALID
_ACTIVATION = schema.ActivationFunctionType


def emit_tflite(program: Program) -> bytes:
    """The TFLite file of an integer or float program.

    Args:
        program: from :func:`export.lower.lower`, :func:`export.lower.lower_float` or a saliency
            derivation.

    Returns:
        A flatbuffer: ``image`` uint8 ``[1, H, W, 3]`` (and ``class_index`` int32 ``[1]``) to the
        program's outputs, with the signature ``serving_default``.

    Raises:
        ArtifactError: the program holds an operation that has no TFLite form.
    """
    return _Emitter(program).run()


class _Emitter:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.gains = plan_gains(program, self._mask_gain)
        self.builder = FlatbufferBuilder(f"saliedge {edge_runtime.__version__}")
        self.alias: dict[str, str] = {}
        self.masks: dict[str, str] = {}

    def run(self) -> bytes:
        inputs = self._graph_inputs()
        for operation in self.program.operations:
            _RULES[type(operation)](self, operation)
        outputs = [
            self._graph_output(name, tensor) for name, tensor in self.program.outputs.items()
        ]
        return self.builder.finish(inputs, outputs)

    # Tensors.

    def _spec(self, name: str) -> TensorSpec:
        return self.program.tensors[name]

    def _scale(self, spec: TensorSpec) -> float:
        """The scale in the file: the tensor's, its gain included."""
        assert spec.scale is not None
        return float(np.float32(spec.scale * abs(self.gains.get(spec.name, 1.0))))

    def _offset(self, spec: TensorSpec) -> int:
        """What turns a canonical integer into the stored byte."""
        return 0 if spec.signed else _UNSIGNED_ZERO

    def _activation(self, name: str, spec: TensorSpec | None = None) -> str:
        """Declare the tensor ``name`` with the meaning of ``spec`` (its own if None)."""
        spec = spec or self._spec(name)
        shape = (
            (1, *spec.shape[1:], spec.shape[0]) if len(spec.shape) == 3 else (1, 1, 1, *spec.shape)
        )
        if not spec.is_integer:
            return self.builder.tensor(name, shape, np.float32)
        zero_point = spec.zero_point + self._offset(spec)
        return self.builder.tensor(
            name, shape, np.int8, scale=self._scale(spec), zero_point=zero_point
        )

    def _source(self, name: str) -> str:
        return self.alias.get(name, name)

    def _integers(self, name: str, values: list[int] | np.ndarray) -> str:
        data = np.asarray(values, np.int32)
        return self.builder.tensor(name, data.shape, np.int32, data=data)

    def _byte(self, value: int, scale: float, zero_point: int) -> str:
        """A one-element int8 constant."""
        name = f"constant/{value}/{zero_point}/{np.float32(scale)}"
        data = np.array([value], np.int8)
        return self.builder.tensor(
            name, (1,), np.int8, scale=scale, zero_point=zero_point, data=data
        )

    def _finish(self, output: str, emit: Callable[[str, int], str]) -> None:
        """Emit a kernel that takes a fused activation, and clip what has fewer than 8 bits.

        Case 1: float, ReLU and ReLU6 fuse. Case 2: integers that fill their byte. Case 3: fewer
        bits: MINIMUM and MAXIMUM on bytes behind the kernel.
        """
        spec = self._spec(output)
        if not spec.is_integer:
            fused = {None: _ACTIVATION.NONE, 6.0: _ACTIVATION.RELU6}
            emit(self._activation(output), fused.get(spec.native_clip, _ACTIVATION.RELU))
            return
        if spec.fills_byte:
            emit(self._activation(output), _ACTIVATION.NONE)
            return
        steps = [
            (kind, limit + self._offset(spec))
            for kind, limit in (("MINIMUM", spec.high), ("MAXIMUM", spec.low))
            if -128 < limit + self._offset(spec) < 127
        ]
        source = emit(self._activation(f"{output}/unclipped", spec), _ACTIVATION.NONE)
        for index, (kind, limit) in enumerate(steps):
            last = index == len(steps) - 1
            target = self._activation(output if last else f"{output}/{kind.lower()}", spec)
            bound = self._byte(limit, self._scale(spec), spec.zero_point + self._offset(spec))
            source = self.builder.operator(kind, [source, bound], target)

    # Graph interface.

    def _graph_inputs(self) -> list[str]:
        spec = self.program.image
        assert spec.scale is not None
        channels, height, width = spec.shape
        self.builder.tensor(
            IMAGE,
            (1, height, width, channels),
            np.uint8,
            scale=spec.scale,
            zero_point=spec.zero_point,
        )
        self.alias[IMAGE] = f"{IMAGE}/bytes"
        is_float = not all(
            self._spec(op.output).is_integer
            for op in self.program.operations
            if isinstance(op, ops.Conv)
        )
        if is_float:
            self.builder.tensor(self.alias[IMAGE], (1, height, width, channels), np.float32)
            self.builder.operator("DEQUANTIZE", [IMAGE], self.alias[IMAGE], version=2)
        else:
            self._activation(self.alias[IMAGE], spec)
            self.builder.operator("QUANTIZE", [IMAGE], self.alias[IMAGE], version=2)
        if not self.program.takes_class_index:
            return [IMAGE]
        return [IMAGE, self.builder.tensor(CLASS_INDEX, (1,), np.int32)]

    def _graph_output(self, name: str, tensor: str) -> str:
        """Give an output its name and its ``[1, ...]`` shape."""
        source = self._source(tensor)
        if tensor == name and name in (CLASS_INDEX_USED, SALIENCY):
            return name
        spec = self._spec(tensor)
        shape = [1, *spec.shape]
        self.builder.tensor(name, tuple(shape), np.float32)
        return self._reshape(source, name, shape)

    def _reshape(self, source: str, target: str, shape: list[int]) -> str:
        wanted = self._integers(f"{target}/shape", shape)
        return self.builder.operator("RESHAPE", [source, wanted], target, newShape=shape)

    # One rule for each operation.

    def convolution(self, operation: ops.Conv) -> None:
        source, padding = self._padded(operation)
        weight, bias = self._weights(operation)
        options = {
            "strideH": operation.stride[0],
            "strideW": operation.stride[1],
            "dilationHFactor": operation.dilation[0],
            "dilationWFactor": operation.dilation[1],
            "padding": padding,
        }
        kind = "CONV_2D"
        if operation.is_depthwise:
            kind = "DEPTHWISE_CONV_2D"
            options["depthMultiplier"] = len(operation.weight) // operation.groups
        self._finish(
            operation.output,
            lambda output, fused: self.builder.operator(
                kind,
                [source, weight, bias],
                output,
                version=3,
                fusedActivationFunction=fused,
                **options,
            ),
        )

    def _padded(self, operation: ops.Conv) -> tuple[str, int]:
        """The input and the padding scheme.

        Case 1: none. Case 2: what the format calls SAME. Case 3: anything else, padded explicitly
        with the byte that stands for zero.
        """
        source = self._source(operation.input)
        if not any(operation.padding):
            return source, _VALID
        spec = self._spec(operation.input)
        same = [
            side
            for axis in (0, 1)
            for side in _same_padding(
                spec.shape[1 + axis],
                operation.weight.shape[2 + axis],
                operation.stride[axis],
                operation.dilation[axis],
            )
        ]
        if same == list(operation.padding):
            return source, _SAME
        top, bottom, left, right = operation.padding
        channels, height, width = spec.shape
        name = f"{operation.output}/padded"
        shape = (channels, height + top + bottom, width + left + right)
        is_real = not self._spec(operation.output).is_integer
        self._activation(name, _reshaped(spec, shape, as_float=is_real))
        amounts = self._integers(f"{name}/amounts", [[0, 0], [top, bottom], [left, right], [0, 0]])
        return self.builder.operator("PAD", [source, amounts], name), _VALID

    def _weights(self, operation: ops.Conv | ops.Linear) -> tuple[str, str]:
        weight, scale = operation.weight, operation.weight_scale
        if isinstance(operation, ops.Linear):
            weight = weight[:, :, None, None]
        elif scale is not None:
            weight, scale = fold_gain(operation, self.gains)
        depthwise = isinstance(operation, ops.Conv) and operation.is_depthwise
        layout = weight.transpose(1, 2, 3, 0) if depthwise else weight.transpose(0, 2, 3, 1)
        name = f"{operation.name}/weight"
        if scale is None:
            self.builder.tensor(name, layout.shape, np.float32, data=layout)
            bias_name = f"{operation.name}/bias"
            bias_shape = operation.bias.shape
            self.builder.tensor(bias_name, bias_shape, np.float32, data=operation.bias)
            return name, bias_name
        self.builder.tensor(
            name, layout.shape, np.int8, scale=scale, axis=3 if depthwise else 0, data=layout
        )
        bias_scale = np.float32(self._scale(self._spec(operation.input))) * scale
        bias_name = self.builder.tensor(
            f"{operation.name}/bias",
            operation.bias.shape,
            np.int32,
            scale=bias_scale,
            data=operation.bias,
        )
        return name, bias_name

    def linear(self, operation: ops.Linear) -> None:
        weight, bias = self._weights(operation)
        self._finish(
            operation.output,
            lambda output, fused: self.builder.operator(
                "CONV_2D",
                [self._source(operation.input), weight, bias],
                output,
                version=3,
                strideH=1,
                strideW=1,
                padding=_VALID,
                fusedActivationFunction=fused,
            ),
        )

    def add(self, operation: ops.Add) -> None:
        sources = [self._source(name) for name in operation.inputs]
        self._finish(
            operation.output,
            lambda output, fused: self.builder.operator(
                "ADD", sources, output, version=2, fusedActivationFunction=fused
            ),
        )

    def concat(self, operation: ops.Concat) -> None:
        sources = [self._source(name) for name in operation.parts]
        target = self._activation(operation.output)
        self.builder.operator("CONCATENATION", sources, target, version=2, axis=3)

    def max_pool(self, operation: ops.MaxPool) -> None:
        source = self._source(operation.input)
        spec = self._spec(operation.input)
        if any(operation.padding):
            top, bottom, left, right = operation.padding
            channels, height, width = spec.shape
            shape = (channels, height + top + bottom, width + left + right)
            name = self._activation(
                f"{operation.output}/padded",
                _reshaped(spec, shape, as_float=not spec.is_integer),
            )
            rows = [[0, 0], [top, bottom], [left, right], [0, 0]]
            amounts = self._integers(f"{name}/amounts", rows)
            source = self.builder.operator(
                "PADV2", [source, amounts, self._least(spec)], name, version=2
            )
        self._pool("MAX_POOL_2D", operation, source)

    def _least(self, spec: TensorSpec) -> str:
        """A constant that never wins a maximum."""
        if spec.is_integer:
            return self._byte(-128, self._scale(spec), spec.zero_point + self._offset(spec))
        lowest = np.array([np.finfo(np.float32).min], np.float32)
        return self.builder.tensor("constant/least", (1,), np.float32, data=lowest)

    def avg_pool(self, operation: ops.AvgPool) -> None:
        self._pool("AVERAGE_POOL_2D", operation, self._source(operation.input))

    def _pool(self, kind: str, operation: ops.AvgPool | ops.MaxPool, source: str) -> None:
        self.builder.operator(
            kind,
            [source],
            self._activation(operation.output),
            version=2,
            filterHeight=operation.kernel[0],
            filterWidth=operation.kernel[1],
            strideH=operation.stride[0],
            strideW=operation.stride[1],
            padding=_VALID,
        )

    def global_avg_pool(self, operation: ops.GlobalAvgPool) -> None:
        axes = self._integers("axes/height_width", [1, 2])
        self._finish(
            operation.output,
            lambda output, _fused: self.builder.operator(
                "MEAN", [self._source(operation.input), axes], output, version=2, keepDims=True
            ),
        )

    def flatten(self, operation: ops.Flatten) -> None:
        """Nothing to do: flat tensors stay ``[1, 1, 1, C]``."""
        self.alias[operation.output] = self._source(operation.input)

    def dequantize(self, operation: ops.Dequantize) -> None:
        """Into a tensor of its own: the output's name belongs to its final shape."""
        name = f"{operation.output}/cells"
        self._activation(name, self._spec(operation.output))
        self.alias[operation.output] = name
        self.builder.operator("DEQUANTIZE", [self._source(operation.input)], name, version=2)

    def top_class(self, operation: ops.TopClass) -> None:
        """ARG_MAX on bytes; the asked class wins unless it is -1."""
        prefix = f"{operation.output}/"
        spec = self._spec(operation.input)
        flat = self.builder.tensor(
            f"{prefix}flat", (1, spec.shape[0]), np.int8, scale=self._scale(spec)
        )
        self._reshape(self._source(operation.input), flat, [1, spec.shape[0]])
        top = self.builder.tensor(f"{prefix}top", (1,), np.int32)
        axis = self._integers(f"{prefix}axis", [1])
        self.builder.operator(
            "ARG_MAX", [flat, axis], top, version=2, outputType=schema.TensorType.INT32
        )
        unset = self.builder.tensor(f"{prefix}unset", (1,), np.bool_)
        zero = self._integers(f"{prefix}zero", [0])
        self.builder.operator("LESS", [CLASS_INDEX, zero], unset)
        used = self.builder.tensor(operation.output, (1,), np.int32)
        self.builder.operator("SELECT_V2", [unset, top, CLASS_INDEX], used)

    def class_row(self, operation: ops.ClassRow) -> None:
        spec = self._spec(operation.output)
        scale = self._scale(spec)
        table, row = f"{operation.output}/table", f"{operation.output}/row"
        shape = operation.table.shape
        self.builder.tensor(table, shape, np.int8, scale=scale, data=operation.table)
        self.builder.tensor(row, (1, shape[1]), np.int8, scale=scale)
        self.builder.operator("GATHER", [table, operation.input], row, version=2)
        target = self._activation(operation.output)
        self._reshape(row, target, [1, 1, 1, shape[1]])

    def class_map(self, operation: ops.ClassMap) -> None:
        spec = self._spec(operation.output)
        picked = self.builder.tensor(f"{operation.output}/picked", (1, *spec.shape, 1), np.float32)
        inputs = [self._source(operation.maps), operation.index]
        self.builder.operator("GATHER", inputs, picked, axis=3)
        self.builder.tensor(operation.output, (1, *spec.shape), np.float32)
        self._reshape(picked, operation.output, [1, *spec.shape])

    def _mask_gain(self, operation: ops.Mask) -> float:
        """What the mask's product leaves on the gradient, see :meth:`mask`."""
        return -255.0 * self._mask_scale(self._spec(operation.activation)) / operation.gain

    def _mask_scale(self, spec: TensorSpec) -> float:
        """The scale at which the smallest product inside the limits fills the byte."""
        assert spec.scale is not None
        width = spec.high * (2 if spec.signed else 1)
        return float(np.float32(spec.scale**2 * (width - 1) / 255.0))

    def mask(self, operation: ops.Mask) -> None:
        """Two multiplications and one or two subtractions.

        Case 1: distance from the lower limit times distance from the upper one: zero exactly where
        a limit is met, below zero elsewhere; at zero point 127 and a coarse scale the result is 127
        at a limit (zero) and -128 inside (one negative number, the mask's part of the gain).
        Case 2: the gradient times that. An unsigned tensor is its own distance from below.
        """
        spec = self._spec(operation.activation)
        if operation.activation not in self.masks:
            self.masks[operation.activation] = self._outside(operation.activation, spec)
        outside = self.masks[operation.activation]
        gradient = self._source(operation.gradient)
        self._finish(
            operation.output,
            lambda output, _fused: self.builder.operator(
                "MUL", [gradient, outside], output, version=2
            ),
        )

    def _outside(self, name: str, spec: TensorSpec) -> str:
        scale = self._scale(spec)
        source = self._source(name)
        shape = (
            (1, *spec.shape[1:], spec.shape[0]) if len(spec.shape) == 3 else (1, 1, 1, *spec.shape)
        )
        offset = self._offset(spec)

        def distance(side: str, limit: int, zero_point: int) -> str:
            target = f"{name}/from_{side}"
            self.builder.tensor(target, shape, np.int8, scale=scale, zero_point=zero_point)
            bound = self._byte(limit + offset, scale, offset)
            return self.builder.operator("SUB", [source, bound], target, version=2)

        above = distance("high", spec.high, 127)
        below = distance("low", -spec.high, -128) if spec.signed else source
        outside = self.builder.tensor(
            f"{name}/outside", shape, np.int8, scale=self._mask_scale(spec), zero_point=127
        )
        return self.builder.operator("MUL", [below, above], outside, version=2)

    def zero_insert(self, operation: ops.ZeroInsert) -> None:
        """Zero channels behind the tensor's own, then depth to space."""
        step = operation.stride[0]
        if operation.stride != (step, step):
            raise ArtifactError(
                f"{operation.output} needs different strides for height and width; no integer "
                "saliency graph can be written for it."
            )
        source, spec = self._source(operation.input), self._spec(operation.input)
        channels, height, width = spec.shape
        wide = (channels * step * step, height, width)
        padded = self._activation(f"{operation.output}/padded", _reshaped(spec, wide))
        extra = channels * (step * step - 1)
        amounts = self._integers(f"{padded}/amounts", [[0, 0], [0, 0], [0, 0], [0, extra]])
        self.builder.operator("PAD", [source, amounts], padded)
        full = (channels, height * step, width * step)
        whole = self._spec(operation.output).shape == full
        spread = operation.output if whole else f"{operation.output}/whole"
        self._activation(spread, _reshaped(spec, full))
        self.builder.operator("DEPTH_TO_SPACE", [padded], spread, blockSize=step)
        if not whole:
            begin = self._integers(f"{operation.output}/begin", [0, 0, 0, 0])
            size = self._integers(f"{operation.output}/size", [1, *operation.size, channels])
            self._activation(operation.output)
            self.builder.operator("SLICE", [spread, begin, size], operation.output, version=2)

    def saliency_magnitude(self, operation: ops.SaliencyMagnitude) -> None:
        spec = self._spec(operation.input)
        shape = (1, *spec.shape[1:], spec.shape[0])
        real = self.builder.tensor(f"{SALIENCY}/real", shape, np.float32)
        self.builder.operator("DEQUANTIZE", [self._source(operation.input)], real, version=2)
        magnitude = self.builder.tensor(f"{SALIENCY}/magnitude", shape, np.float32)
        self.builder.operator("ABS", [real], magnitude)
        axes = self._integers("axes/channels", [3])
        self.builder.tensor(operation.output, (1, *spec.shape[1:]), np.float32)
        self.builder.operator("REDUCE_MAX", [magnitude, axes], operation.output)


def _reshaped(spec: TensorSpec, shape: tuple[int, ...], *, as_float: bool = False) -> TensorSpec:
    """The same meaning in another shape; the name stays, so that its gain applies."""
    scale = None if as_float else spec.scale
    return TensorSpec(spec.name, shape, scale, spec.zero_point, spec.signed, spec.low, spec.high)


def _same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Before and after, as the format's SAME computes them."""
    outputs = -(-size // stride)
    total = max(0, (outputs - 1) * stride + dilation * (kernel - 1) + 1 - size)
    return total // 2, total - total // 2


_RULES: dict[type, Callable[[_Emitter, Operation], None]] = {
    ops.Conv: _Emitter.convolution,  # type: ignore[dict-item]
    ops.Linear: _Emitter.linear,  # type: ignore[dict-item]
    ops.Add: _Emitter.add,  # type: ignore[dict-item]
    ops.Concat: _Emitter.concat,  # type: ignore[dict-item]
    ops.MaxPool: _Emitter.max_pool,  # type: ignore[dict-item]
    ops.AvgPool: _Emitter.avg_pool,  # type: ignore[dict-item]
    ops.GlobalAvgPool: _Emitter.global_avg_pool,  # type: ignore[dict-item]
    ops.Flatten: _Emitter.flatten,  # type: ignore[dict-item]
    ops.Dequantize: _Emitter.dequantize,  # type: ignore[dict-item]
    ops.TopClass: _Emitter.top_class,  # type: ignore[dict-item]
    ops.ClassRow: _Emitter.class_row,  # type: ignore[dict-item]
    ops.ClassMap: _Emitter.class_map,  # type: ignore[dict-item]
    ops.Mask: _Emitter.mask,  # type: ignore[dict-item]
    ops.ZeroInsert: _Emitter.zero_insert,  # type: ignore[dict-item]
    ops.SaliencyMagnitude: _Emitter.saliency_magnitude,  # type: ignore[dict-item]
}
