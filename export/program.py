"""The integer program: what both file formats are written from, and their exact reference.

A program is a list of operations on named tensors. Each integer tensor has one scale and one zero
point; its integers are kept in one canonical form here (unsigned sites from 0, signed sites around
0), and each emitter shifts them into the bytes of its format. Shapes are ``[C, H, W]`` or ``[C]``,
without the batch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

__all__ = ["Operation", "Program", "ProgramTensor", "execute"]

CLASS_INDEX = "class_index"
CLASS_INDEX_USED = "class_index_used"
FEATURES = "features"
IMAGE = "image"
LOGITS = "logits"
SALIENCY = "saliency"
_BATCH = 8


@dataclass(frozen=True)
class ProgramTensor:
    """What a tensor holds.

    Attributes:
        name: unique in the program.
        shape: ``[C, H, W]`` or ``[C]``.
        scale: real value of one step; None for a float32 tensor.
        zero_point: the canonical integer that stands for zero: 0, but for the image.
        signed: whether the integers lie around zero.
        low: smallest canonical integer that a kernel may write.
        high: largest canonical integer that a kernel may write.
        native_clip: the float activation's upper bound, for a float program (inf for ReLU).
    """

    name: str
    shape: tuple[int, ...]
    scale: float | None = None
    zero_point: int = 0
    signed: bool = False
    low: int = 0
    high: int = 255
    native_clip: float | None = None

    @property
    def is_integer(self) -> bool:
        """Whether the tensor holds integers."""
        return self.scale is not None

    @property
    def fills_byte(self) -> bool:
        """Whether a byte's own saturation is the clip, so that no explicit one is needed."""
        return (self.low, self.high) == ((-128, 127) if self.signed else (0, 255))

    @property
    def clipped_below(self) -> int:
        """From this canonical integer downwards a value counts as clipped: no gradient passes."""
        return 0 if self.low == 0 else -self.high

    def quantize(self, real: Tensor) -> Tensor:
        """Real values to canonical integers, rounding half to even."""
        assert self.scale is not None
        return torch.clamp(torch.round(real / self.scale) + self.zero_point, self.low, self.high)

    def dequantize(self, integers: Tensor) -> Tensor:
        """Canonical integers to real values."""
        assert self.scale is not None
        return (integers - self.zero_point) * self.scale


class Operation(Protocol):
    """One step of a program. Implementations are frozen dataclasses in ``export.operations``."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors it reads."""
        ...

    @property
    def output(self) -> str:
        """Name of the tensor it writes."""
        ...

    def run(self, tensors: Mapping[str, ProgramTensor], values: Mapping[str, Tensor]) -> Tensor:
        """Canonical integers (or floats) of the output, float64 ``[N, ...]``."""
        ...


@dataclass(frozen=True)
class Program:
    """Operations in execution order.

    Attributes:
        tensors: every tensor by name.
        operations: in execution order.
        outputs: output name of the graph to tensor name, in the order of the graph interface.
        last_map: the tensor that global pooling reads; class activation maps start there.
    """

    tensors: dict[str, ProgramTensor]
    operations: tuple[Operation, ...]
    outputs: dict[str, str]
    last_map: str = ""
    takes_class_index: bool = False

    @property
    def image(self) -> ProgramTensor:
        """The input."""
        return self.tensors[IMAGE]

    def producer(self, tensor: str) -> Operation | None:
        """The operation that writes ``tensor``."""
        return next((op for op in self.operations if op.output == tensor), None)

    def integers_of(self, output: str) -> str:
        """The integer tensor that is dequantised into the graph's output ``output``."""
        producer = self.producer(self.outputs[output])
        assert producer is not None
        return producer.inputs[0]

    def extended(
        self,
        tensors: Mapping[str, ProgramTensor],
        operations: tuple[Operation, ...],
        outputs: Mapping[str, str],
    ) -> Program:
        """The program with more behind it, and the class index as a further input."""
        return replace(
            self,
            tensors={**self.tensors, **tensors},
            operations=self.operations + operations,
            outputs={**self.outputs, **outputs},
            takes_class_index=True,
        )


def run_all(
    program: Program,
    images: np.ndarray,
    class_index: np.ndarray | None = None,
    *,
    keep: Collection[str] | None = None,
) -> dict[str, Tensor]:
    """Every tensor of the program: canonical integers or floats, float64 ``[N, ...]``.

    With ``keep``, only those: any other is dropped behind its last reader, which saves memory.
    """
    values: dict[str, Tensor] = {
        IMAGE: torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).double()
    }
    if program.takes_class_index:
        chosen = np.full(len(images), -1) if class_index is None else class_index
        values[CLASS_INDEX] = torch.from_numpy(np.asarray(chosen)).double()
    last_reader = {name: op for op in program.operations for name in op.inputs}
    with torch.no_grad():
        for operation in program.operations:
            values[operation.output] = operation.run(program.tensors, values)
            if keep is None:
                continue
            for name in operation.inputs:
                if last_reader[name] is operation and name not in keep:
                    values.pop(name, None)
    return values


def execute(
    program: Program,
    images: np.ndarray,
    class_index: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Run the reference on images.

    Args:
        program: an integer program.
        images: uint8 ``[N, H, W, 3]`` RGB.
        class_index: int ``[N]``, -1 for the top class; None is -1 for all.

    Returns:
        The graph's outputs by name: ``logits`` float32 ``[N, C]``, ``features`` float32
        ``[N, F]`` and, for a saliency program, ``saliency`` float32 ``[N, h, w]`` and
        ``class_index_used`` int32 ``[N]``.
    """
    parts: dict[str, list[np.ndarray]] = {name: [] for name in program.outputs}
    for start in range(0, len(images), _BATCH):
        chosen = None if class_index is None else class_index[start : start + _BATCH]
        part = images[start : start + _BATCH]
        values = run_all(program, part, chosen, keep=program.outputs.values())
        for name, tensor in program.outputs.items():
            kind = np.int32 if name == CLASS_INDEX_USED else np.float32
            parts[name].append(values[tensor].numpy().astype(kind))
    return {name: np.concatenate(chunks) for name, chunks in parts.items()}
