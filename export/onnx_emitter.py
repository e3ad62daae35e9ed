"""Write a program as an ONNX graph of quantize/dequantize pairs, which ONNX Runtime fuses.

Only standard operators (opset 21) are used. Activations are uint8: unsigned sites from 0, signed
sites around 128. Every integer tensor keeps the name of its network node.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import edge_runtime
from export import operations as ops
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

__all__ = ["emit_onnx"]

_OPSET = 21
_IR_VERSION = 10
_SIGNED_ZERO = 128


def emit_onnx(program: Program) -> bytes:
    """The ONNX file of an integer or float program.

    Args:
        program: from :func:`export.lower.lower`, :func:`export.lower.lower_float` or a saliency
            derivation.

    Returns:
        A serialised model: ``image`` uint8 ``[1, H, W, 3]`` (and ``class_index`` int32 ``[1]``) to
        the program's outputs.

    Raises:
        ArtifactError: the program holds an operation that has no ONNX form.
    """
    return _Emitter(program).run().SerializeToString()


class _Emitter:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.gains = plan_gains(program, lambda mask: -1.0 / mask.gain)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}
        self.real: dict[str, str] = {}

    def run(self) -> onnx.ModelProto:
        self._image()
        for operation in self.program.operations:
            _RULES[type(operation)](self, operation)
        graph = helper.make_graph(
            self.nodes,
            "saliedge",
            self._graph_inputs(),
            self._graph_outputs(),
            list(self.initializers.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="saliedge",
            producer_version=edge_runtime.__version__,
        )
        onnx.checker.check_model(model, full_check=True)
        return model

    # Tensors.

    def _spec(self, name: str) -> TensorSpec:
        return self.program.tensors[name]

    def _constant(self, name: str, value: np.ndarray) -> str:
        self.initializers.setdefault(name, numpy_helper.from_array(value, name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        name = f"{output}/{kind}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name, **attributes))
        return output

    def _quantization(self, spec: TensorSpec) -> list[str]:
        """Names of the scale and zero point constants of a tensor, its gain included."""
        assert spec.scale is not None
        scale = np.float32(spec.scale * abs(self.gains.get(spec.name, 1.0)))
        zero_point = np.uint8(spec.zero_point + (_SIGNED_ZERO if spec.signed else 0))
        return [
            self._constant(f"{spec.name}/scale", np.array(scale, np.float32)),
            self._constant(f"{spec.name}/zero_point", np.array(zero_point, np.uint8)),
        ]

    def _value(self, name: str) -> str:
        """The real-valued name of a tensor: itself if float, else behind a DequantizeLinear."""
        spec = self._spec(name)
        if not spec.is_integer:
            return self.real.get(name, name)
        if name not in self.real:
            output = f"{name}/real"
            self._node("DequantizeLinear", [name, *self._quantization(spec)], output)
            self.real[name] = output
        return self.real[name]

    def _finish(self, output: str, emit: Callable[[str], str]) -> None:
        """Emit an operation on real values and bring its result to what ``output`` holds.

        Case 1: float, with ReLU or ReLU6 behind it. Case 2: integers that fill their byte: one
        QuantizeLinear. Case 3: fewer bits: integer Min and Max behind it.
        """
        spec = self._spec(output)
        if not spec.is_integer:
            self._float_activation(spec, emit)
            return
        result = emit(f"{output}/unquantized")
        if spec.fills_byte:
            self._node("QuantizeLinear", [result, *self._quantization(spec)], output)
            return
        clipped = self._node(
            "QuantizeLinear", [result, *self._quantization(spec)], f"{output}/unclipped"
        )
        self._clip(spec, clipped)

    def _float_activation(self, spec: TensorSpec, emit: Callable[[str], str]) -> None:
        if spec.native_clip is None:
            emit(spec.name)
            return
        result = emit(f"{spec.name}/preactivation")
        if np.isinf(spec.native_clip):
            self._node("Relu", [result], spec.name)
            return
        low = self._constant("relu6/low", np.array(0.0, np.float32))
        high = self._constant("relu6/high", np.array(spec.native_clip, np.float32))
        self._node("Clip", [result, low, high], spec.name)

    def _clip(self, spec: TensorSpec, source: str) -> None:
        offset = _SIGNED_ZERO if spec.signed else 0
        steps = []
        if spec.high + offset < 255:
            steps.append(("Min", np.uint8(spec.high + offset)))
        if spec.low + offset > 0:
            steps.append(("Max", np.uint8(spec.low + offset)))
        for index, (kind, limit) in enumerate(steps):
            output = spec.name if index == len(steps) - 1 else f"{spec.name}/{kind.lower()}"
            bound = self._constant(f"limit/{limit}", np.array(limit, np.uint8))
            source = self._node(kind, [source, bound], output)

    # Graph interface.

    def _graph_inputs(self) -> list[onnx.ValueInfoProto]:
        channels, height, width = self.program.image.shape
        inputs = [
            helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, [1, height, width, channels])
        ]
        if self.program.takes_class_index:
            inputs.append(helper.make_tensor_value_info(CLASS_INDEX, TensorProto.INT32, [1]))
        return inputs

    def _graph_outputs(self) -> list[onnx.ValueInfoProto]:
        outputs = []
        for name, tensor in self.program.outputs.items():
            if name != tensor:
                self._node("Identity", [tensor], name)
            kind = TensorProto.INT32 if name == CLASS_INDEX_USED else TensorProto.FLOAT
            spec = self._spec(tensor)
            shape = [1] if name == CLASS_INDEX_USED else [1, *spec.shape]
            outputs.append(helper.make_tensor_value_info(name, kind, shape))
        return outputs

    def _image(self) -> None:
        """Bytes to NCHW; the input's scale and zero point are the normalisation."""
        spec = self.program.image
        planar = f"{IMAGE}/planar"
        self._node("Transpose", [IMAGE], planar, perm=[0, 3, 1, 2])
        self.real[IMAGE] = f"{IMAGE}/real"
        self._node("DequantizeLinear", [planar, *self._quantization(spec)], self.real[IMAGE])

    # One rule for each operation.

    def convolution(self, operation: ops.Conv) -> None:
        top, bottom, left, right = operation.padding
        self._finish(
            operation.output,
            lambda output: self._node(
                "Conv",
                [self._value(operation.input), *self._weights(operation)],
                output,
                kernel_shape=list(operation.weight.shape[2:]),
                strides=list(operation.stride),
                pads=[top, left, bottom, right],
                dilations=list(operation.dilation),
                group=operation.groups,
            ),
        )

    def linear(self, operation: ops.Linear) -> None:
        self._finish(
            operation.output,
            lambda output: self._node(
                "Gemm",
                [self._value(operation.input), *self._weights(operation)],
                output,
                transB=1,
            ),
        )

    def _weights(self, operation: ops.Conv | ops.Linear) -> list[str]:
        """Real-valued names of weight and bias; gradient convolutions have no bias."""
        prefix = f"{operation.name}/"
        if operation.weight_scale is None:
            return [
                self._constant(f"{prefix}weight", operation.weight.astype(np.float32)),
                self._constant(f"{prefix}bias", operation.bias.astype(np.float32)),
            ]
        weight, scale = operation.weight, operation.weight_scale
        if isinstance(operation, ops.Conv):
            weight, scale = fold_gain(operation, self.gains)
        scales = self._constant(f"{prefix}weight/scale", scale)
        zeros = self._constant(f"{prefix}weight/zero_point", np.zeros(len(scale), np.int8))
        names = [self._constant(f"{prefix}weight", weight), scales, zeros]
        real = [self._node("DequantizeLinear", names, f"{prefix}weight/real", axis=0)]
        if np.any(operation.bias):
            input_scale = self._spec(operation.input).scale
            assert input_scale is not None
            bias_scale = (np.float32(input_scale) * scale).astype(np.float32)
            names = [
                self._constant(f"{prefix}bias", operation.bias),
                self._constant(f"{prefix}bias/scale", bias_scale),
                self._constant(f"{prefix}bias/zero_point", np.zeros(len(scale), np.int32)),
            ]
            real.append(self._node("DequantizeLinear", names, f"{prefix}bias/real", axis=0))
        return real

    def add(self, operation: ops.Add) -> None:
        self._finish(
            operation.output,
            lambda output: self._node(
                "Add", [self._value(operation.left), self._value(operation.right)], output
            ),
        )

    def concat(self, operation: ops.Concat) -> None:
        """Bytes are copied: all parts share one scale."""
        self._node("Concat", list(operation.parts), operation.output, axis=1)

    def max_pool(self, operation: ops.MaxPool) -> None:
        """On bytes: their order is the order of the real values."""
        top, bottom, left, right = operation.padding
        self._node(
            "MaxPool",
            [operation.input],
            operation.output,
            kernel_shape=list(operation.kernel),
            strides=list(operation.stride),
            pads=[top, left, bottom, right],
        )

    def avg_pool(self, operation: ops.AvgPool) -> None:
        self._finish(
            operation.output,
            lambda output: self._node(
                "AveragePool",
                [self._value(operation.input)],
                output,
                kernel_shape=list(operation.kernel),
                strides=list(operation.stride),
            ),
        )

    def global_avg_pool(self, operation: ops.GlobalAvgPool) -> None:
        self._finish(
            operation.output,
            lambda output: self._node("GlobalAveragePool", [self._value(operation.input)], output),
        )

    def flatten(self, operation: ops.Flatten) -> None:
        self._node("Flatten", [operation.input], operation.output)

    def dequantize(self, operation: ops.Dequantize) -> None:
        spec = self._spec(operation.input)
        names = [operation.input, *self._quantization(spec)]
        self._node("DequantizeLinear", names, operation.output)

    def top_class(self, operation: ops.TopClass) -> None:
        """ArgMax on bytes; the asked class wins unless it is -1."""
        prefix = f"{operation.output}/"
        top = self._node("ArgMax", [operation.input], f"{prefix}top", axis=1, keepdims=0)
        top32 = self._node("Cast", [top], f"{prefix}top32", to=TensorProto.INT32)
        zero = self._constant(f"{prefix}zero", np.array([0], np.int32))
        unset = self._node("Less", [CLASS_INDEX, zero], f"{prefix}unset")
        self._node("Where", [unset, top32, CLASS_INDEX], operation.output)

    def class_row(self, operation: ops.ClassRow) -> None:
        table = (operation.table.astype(np.int16) + _SIGNED_ZERO).astype(np.uint8)
        rows = self._constant(f"{operation.output}/table", table)
        row = self._node("Gather", [rows, operation.input], f"{operation.output}/row", axis=0)
        shape = self._constant(
            f"{operation.output}/shape", np.array([1, table.shape[1], 1, 1], np.int64)
        )
        self._node("Reshape", [row, shape], operation.output)

    def class_map(self, operation: ops.ClassMap) -> None:
        picked = f"{operation.output}/picked"
        self._node("Gather", [operation.maps, operation.index], picked, axis=1)
        axis = self._constant(f"{operation.output}/axis", np.array([1], np.int64))
        self._node("Squeeze", [picked, axis], operation.output)

    def mask(self, operation: ops.Mask) -> None:
        """Two multiplications.

        Case 1: the same bytes, read from their lower and from their upper limit, multiplied: zero
        exactly where one limit is met, below zero elsewhere; quantised so coarsely that the result
        is 255 at a limit and 0 inside.
        Case 2: those bytes, read at zero point 255 and scale 1/255, are 0 at a limit and -1 inside;
        the minus is the gain of the result.
        """
        name, activation = operation.activation, self._spec(operation.activation)
        outside = f"{name}/outside"
        if outside not in self.real:
            offset = _SIGNED_ZERO if activation.signed else 0
            lowest = -activation.high if activation.signed else 0
            one = self._constant("mask/one", np.array(1.0, np.float32))
            limits = [
                self._node(
                    "DequantizeLinear",
                    [name, one, self._constant(f"zero_point/{byte}", np.array(byte, np.uint8))],
                    f"{name}/from_{side}",
                )
                for side, byte in (
                    ("low", np.uint8(lowest + offset)),
                    ("high", np.uint8(activation.high + offset)),
                )
            ]
            product = self._node("Mul", limits, f"{name}/limits")
            mask = [
                self._constant("mask/scale", np.array(1 / 255, np.float32)),
                self._constant("zero_point/255", np.array(255, np.uint8)),
            ]
            self._node("QuantizeLinear", [product, *mask], outside)
            self.real[outside] = self._node("DequantizeLinear", [outside, *mask], f"{outside}/real")
        self._finish(
            operation.output,
            lambda output: self._node(
                "Mul", [self._value(operation.gradient), self.real[outside]], output
            ),
        )

    def zero_insert(self, operation: ops.ZeroInsert) -> None:
        """Zero channels behind the tensor's own, then depth to space."""
        step = operation.stride[0]
        channels = self._spec(operation.input).shape[0]
        prefix = f"{operation.output}/"
        pads = np.array([0, 0, 0, 0, 0, channels * (step * step - 1), 0, 0], np.int64)
        zero = self._constant(f"zero_point/{_SIGNED_ZERO}", np.array(_SIGNED_ZERO, np.uint8))
        padded = self._node(
            "Pad",
            [operation.input, self._constant(f"{prefix}pads", pads), zero],
            f"{prefix}padded",
        )
        spec = self._spec(operation.output)
        full = [size * step for size in self._spec(operation.input).shape[1:]]
        whole = list(spec.shape[1:]) == full
        spread = operation.output if whole else f"{prefix}whole"
        self._node("DepthToSpace", [padded], spread, blocksize=step, mode="DCR")
        if not whole:
            bounds = [
                self._constant(f"{prefix}starts", np.array([0, 0], np.int64)),
                self._constant(f"{prefix}ends", np.array(spec.shape[1:], np.int64)),
                self._constant(f"{prefix}axes", np.array([2, 3], np.int64)),
            ]
            self._node("Slice", [spread, *bounds], operation.output)

    def saliency_magnitude(self, operation: ops.SaliencyMagnitude) -> None:
        magnitude = self._node("Abs", [self._value(operation.input)], f"{SALIENCY}/magnitude")
        axes = self._constant(f"{SALIENCY}/axes", np.array([1], np.int64))
        self._node("ReduceMax", [magnitude, axes], operation.output, keepdims=0)


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
