"""The TFLite graph under construction: tensors with their quantisation and the graph interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

import edge_runtime
from export import operations as ops
from export.program import (
    CLASS_INDEX,
    CLASS_INDEX_USED,
    IMAGE,
    SALIENCY,
    Program,
    ProgramTensor,
)
from export.tflite_format.flatbuffer import FlatbufferBuilder, schema

__all__ = ["TfliteGraph", "nhwc", "reshaped"]

_UNSIGNED_ZERO = -128
_ACTIVATION = schema.ActivationFunctionType


class TfliteGraph:
    """Collects tensors and operators; every integer tensor keeps the name of its network node."""

    def __init__(self, program: Program, gains: dict[str, float]) -> None:
        self.program, self.gains = program, gains
        self.builder = FlatbufferBuilder(f"saliedge {edge_runtime.__version__}")
        self.alias: dict[str, str] = {}
        self.masks: dict[str, str] = {}
        self.inputs = self._graph_inputs()

    def finish(self) -> bytes:
        """Close the graph and serialise it."""
        outputs = [
            self._graph_output(name, tensor) for name, tensor in self.program.outputs.items()
        ]
        return self.builder.finish(self.inputs, outputs)

    # Tensors.

    def spec(self, name: str) -> ProgramTensor:
        """The program's tensor ``name``."""
        return self.program.tensors[name]

    def scale(self, spec: ProgramTensor) -> float:
        """The scale in the file: the tensor's, its gain included."""
        assert spec.scale is not None
        return float(np.float32(spec.scale * abs(self.gains.get(spec.name, 1.0))))

    def offset(self, spec: ProgramTensor) -> int:
        """What turns a canonical integer into the stored byte."""
        return 0 if spec.signed else _UNSIGNED_ZERO

    def declare(self, name: str, spec: ProgramTensor | None = None) -> str:
        """Declare the tensor ``name`` with the meaning of ``spec`` (its own if None)."""
        spec = spec or self.spec(name)
        shape = (
            (1, *spec.shape[1:], spec.shape[0]) if len(spec.shape) == 3 else (1, 1, 1, *spec.shape)
        )
        if not spec.is_integer:
            return self.builder.tensor(name, shape, np.float32)
        zero_point = spec.zero_point + self.offset(spec)
        return self.builder.tensor(
            name, shape, np.int8, scale=self.scale(spec), zero_point=zero_point
        )

    def source(self, name: str) -> str:
        """The tensor in the file that stands for the program's tensor ``name``."""
        return self.alias.get(name, name)

    def integers(self, name: str, values: Sequence[object]) -> str:
        """An int32 constant, declared once."""
        data = np.asarray(values, np.int32)
        return self.builder.tensor(name, data.shape, np.int32, data=data)

    def byte(self, value: int, scale: float, zero_point: int) -> str:
        """A one-element int8 constant."""
        name = f"constant/{value}/{zero_point}/{np.float32(scale)}"
        data = np.array([value], np.int8)
        return self.builder.tensor(
            name, (1,), np.int8, scale=scale, zero_point=zero_point, data=data
        )

    def emit(self, output: str, kernel: Callable[[str, int], str]) -> None:
        """Emit a kernel that takes a fused activation, and clip what has fewer than 8 bits.

        Case 1: float, ReLU and ReLU6 fuse, another bound is a MINIMUM behind ReLU.
        Case 2: integers that fill their byte.
        Case 3: fewer bits: MINIMUM and MAXIMUM on bytes behind the kernel.
        """
        spec = self.spec(output)
        if not spec.is_integer:
            self._float_activation(spec, kernel)
            return
        if spec.fills_byte:
            kernel(self.declare(output), _ACTIVATION.NONE)
            return
        steps = [
            (kind, limit + self.offset(spec))
            for kind, limit in (("MINIMUM", spec.high), ("MAXIMUM", spec.low))
            if -128 < limit + self.offset(spec) < 127
        ]
        source = kernel(self.declare(f"{output}/unclipped", spec), _ACTIVATION.NONE)
        for index, (kind, limit) in enumerate(steps):
            last = index == len(steps) - 1
            target = self.declare(output if last else f"{output}/{kind.lower()}", spec)
            bound = self.byte(limit, self.scale(spec), spec.zero_point + self.offset(spec))
            source = self.builder.operator(kind, [source, bound], target)

    def _float_activation(self, spec: ProgramTensor, kernel: Callable[[str, int], str]) -> None:
        fused = {None: _ACTIVATION.NONE, 6.0: _ACTIVATION.RELU6, np.inf: _ACTIVATION.RELU}
        if spec.native_clip in fused:
            kernel(self.declare(spec.name), fused[spec.native_clip])
            return
        rectified = kernel(self.declare(f"{spec.name}/rectified", spec), _ACTIVATION.RELU)
        name = f"constant/{spec.native_clip}"
        bound = self.builder.tensor(name, (1,), np.float32, data=np.array([spec.native_clip]))
        self.builder.operator("MINIMUM", [rectified, bound], self.declare(spec.name))

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
            self.spec(op.output).is_integer
            for op in self.program.operations
            if isinstance(op, ops.Conv)
        )
        real = self.alias[IMAGE] if is_float else f"{IMAGE}/real"
        self.builder.tensor(real, (1, height, width, channels), np.float32)
        self.builder.operator("DEQUANTIZE", [IMAGE], real, version=2)
        if not is_float:
            # By way of real numbers, which give each of the 256 bytes back exactly. QUANTIZE alone
            # turns uint8 to int8 as well, but byte by byte in plain C++, outside of XNNPACK: 4 % of
            # the time of an EfficientNet-Lite0.
            self.declare(self.alias[IMAGE], spec)
            self.builder.operator("QUANTIZE", [real], self.alias[IMAGE], version=2)
        if not self.program.takes_class_index:
            return [IMAGE]
        return [IMAGE, self.builder.tensor(CLASS_INDEX, (1,), np.int32)]

    def _graph_output(self, name: str, tensor: str) -> str:
        """Give an output its name and its ``[1, ...]`` shape."""
        source = self.source(tensor)
        if tensor == name and name in (CLASS_INDEX_USED, SALIENCY):
            return name
        spec = self.spec(tensor)
        shape = [1, *spec.shape]
        self.builder.tensor(name, tuple(shape), np.float32)
        return self.reshape(source, name, shape)

    def reshape(self, source: str, target: str, shape: list[int]) -> str:
        """Append a RESHAPE into the declared tensor ``target``."""
        wanted = self.integers(f"{target}/shape", shape)
        return self.builder.operator("RESHAPE", [source, wanted], target, newShape=shape)


def nhwc(shape: tuple[int, ...]) -> tuple[int, ...]:
    """``[C, H, W]`` to ``[1, H, W, C]``; ``[C]`` to ``[1, 1, 1, C]``."""
    return (1, *shape[1:], shape[0]) if len(shape) == 3 else (1, 1, 1, *shape)


def reshaped(
    spec: ProgramTensor, shape: tuple[int, ...], *, as_float: bool = False
) -> ProgramTensor:
    """The same meaning in another shape; the name stays, so that its gain applies."""
    return replace(spec, shape=shape, scale=None if as_float else spec.scale)
