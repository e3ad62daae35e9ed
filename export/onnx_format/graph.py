"""The ONNX graph under construction: tensors with their quantisation, nodes and the interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import edge_runtime
from export.program import CLASS_INDEX, CLASS_INDEX_USED, IMAGE, Program, ProgramTensor

__all__ = ["SIGNED_ZERO", "OnnxGraph"]

SIGNED_ZERO = 128
_OPSET = 21
_IR_VERSION = 10


class OnnxGraph:
    """Collects nodes and constants; every integer tensor keeps the name of its network node."""

    def __init__(self, program: Program, gains: dict[str, float]) -> None:
        self.program, self.gains = program, gains
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}
        self.real: dict[str, str] = {}
        self._image()

    def finish(self) -> onnx.ModelProto:
        """Close the graph and check it against the ONNX standard."""
        outputs = self._graph_outputs()
        graph = helper.make_graph(
            self.nodes,
            "saliedge",
            self._graph_inputs(),
            outputs,
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

    def spec(self, name: str) -> ProgramTensor:
        """The program's tensor ``name``."""
        return self.program.tensors[name]

    def constant(self, name: str, value: np.ndarray) -> str:
        """A constant, declared once, by its name."""
        self.initializers.setdefault(name, numpy_helper.from_array(value, name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Append a node with one output and give the output's name."""
        name = f"{output}/{kind}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name, **attributes))
        return output

    def quantization(self, spec: ProgramTensor) -> list[str]:
        """Names of the scale and zero point constants of a tensor, its gain included."""
        assert spec.scale is not None
        scale = np.float32(spec.scale * abs(self.gains.get(spec.name, 1.0)))
        zero_point = np.uint8(spec.zero_point + (SIGNED_ZERO if spec.signed else 0))
        return [
            self.constant(f"{spec.name}/scale", np.array(scale, np.float32)),
            self.constant(f"{spec.name}/zero_point", np.array(zero_point, np.uint8)),
        ]

    def value(self, name: str) -> str:
        """The real-valued name of a tensor: itself if float, else behind a DequantizeLinear."""
        spec = self.spec(name)
        if not spec.is_integer:
            return self.real.get(name, name)
        if name not in self.real:
            output = f"{name}/real"
            self.node("DequantizeLinear", [name, *self.quantization(spec)], output)
            self.real[name] = output
        return self.real[name]

    def emit(self, output: str, kernel: Callable[[str], str]) -> None:
        """Emit an operation on real values and bring its result to what ``output`` holds.

        Case 1: float, with ReLU or ReLU6 behind it. Case 2: integers that fill their byte: one
        QuantizeLinear. Case 3: fewer bits: integer Min and Max behind it.
        """
        spec = self.spec(output)
        if not spec.is_integer:
            self._float_activation(spec, kernel)
            return
        result = kernel(f"{output}/unquantized")
        if spec.fills_byte:
            self.node("QuantizeLinear", [result, *self.quantization(spec)], output)
            return
        clipped = self.node(
            "QuantizeLinear", [result, *self.quantization(spec)], f"{output}/unclipped"
        )
        self._clip(spec, clipped)

    def _float_activation(self, spec: ProgramTensor, kernel: Callable[[str], str]) -> None:
        if spec.native_clip is None:
            kernel(spec.name)
            return
        result = kernel(f"{spec.name}/preactivation")
        if np.isinf(spec.native_clip):
            self.node("Relu", [result], spec.name)
            return
        low = self.constant("clip/0", np.array(0.0, np.float32))
        clip = np.array(spec.native_clip, np.float32)
        high = self.constant(f"clip/{clip:g}", clip)
        self.node("Clip", [result, low, high], spec.name)

    def _clip(self, spec: ProgramTensor, source: str) -> None:
        offset = SIGNED_ZERO if spec.signed else 0
        steps = []
        if spec.high + offset < 255:
            steps.append(("Min", np.uint8(spec.high + offset)))
        if spec.low + offset > 0:
            steps.append(("Max", np.uint8(spec.low + offset)))
        for index, (kind, limit) in enumerate(steps):
            output = spec.name if index == len(steps) - 1 else f"{spec.name}/{kind.lower()}"
            bound = self.constant(f"limit/{limit}", np.array(limit, np.uint8))
            source = self.node(kind, [source, bound], output)

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
                self.node("Identity", [tensor], name)
            kind = TensorProto.INT32 if name == CLASS_INDEX_USED else TensorProto.FLOAT
            spec = self.spec(tensor)
            shape = [1] if name == CLASS_INDEX_USED else [1, *spec.shape]
            outputs.append(helper.make_tensor_value_info(name, kind, shape))
        return outputs

    def _image(self) -> None:
        """Bytes to NCHW; the input's scale and zero point are the normalisation."""
        spec = self.program.image
        planar = f"{IMAGE}/planar"
        self.node("Transpose", [IMAGE], planar, perm=[0, 3, 1, 2])
        self.real[IMAGE] = f"{IMAGE}/real"
        self.node("DequantizeLinear", [planar, *self.quantization(spec)], self.real[IMAGE])
