"""The operations of a forward pass, each with its exact arithmetic in torch.

Integer kernels accumulate exactly and requantise as ONNX Runtime and XNNPACK do: the accumulator
times one float32 multiplier per channel, rounded half to even. float64 holds every accumulator of
these networks without loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from export.program import ProgramTensor

__all__ = [
    "Add",
    "AvgPool",
    "Concat",
    "Conv",
    "Dequantize",
    "Flatten",
    "GlobalAvgPool",
    "Linear",
    "MaxPool",
    "Mul",
    "Single",
]

# torch unfolds all images of a float64 convolution at once: 640 MB for one of 160 pixels behind the
# 7 x 7 kernels of a ResNet.
_UNFOLDED_BYTES = 256 << 20

Specs = Mapping[str, ProgramTensor]
Values = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Single:
    """An operation with one input."""

    input: str
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The one tensor it reads."""
        return (self.input,)


@dataclass(frozen=True, eq=False)
class _Weighted(Single):
    """Weights int8, symmetric per output channel (float32 with scale None in a float program)."""

    name: str
    weight: np.ndarray
    weight_scale: np.ndarray | None
    bias: np.ndarray

    def _requantize(self, specs: Specs, accumulator: Tensor) -> Tensor:
        source, target = specs[self.input], specs[self.output]
        assert source.scale is not None and target.scale is not None
        assert self.weight_scale is not None
        multiplier = np.float32(source.scale) * self.weight_scale / np.float32(target.scale)
        shape = (1, -1) + (1,) * (accumulator.dim() - 2)
        scaled = accumulator.float() * torch.from_numpy(multiplier).reshape(shape)
        return torch.clamp(torch.round(scaled).double(), target.low, target.high)

    def _operands(self, specs: Specs, values: Values) -> tuple[Tensor, Tensor, Tensor]:
        x = values[self.input] - specs[self.input].zero_point
        return x, torch.from_numpy(self.weight).double(), torch.from_numpy(self.bias).double()


@dataclass(frozen=True, eq=False)
class Conv(_Weighted):
    """Convolution, weights ``[O, I/groups, kh, kw]``, padding ``(top, bottom, left, right)``."""

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def is_depthwise(self) -> bool:
        """One input channel per group."""
        return self.groups > 1 and self.weight.shape[1] == 1

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Exact accumulation, then one multiplier per channel."""
        x, weight, bias = self._operands(specs, values)
        return self._requantize(specs, self.convolve(x, weight, bias))

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The convolution alone, on any numbers."""
        top, bottom, left, right = self.padding
        padded = F.pad(x, (left, right, top, bottom))
        cells = padded.shape[2] * padded.shape[3] // (self.stride[0] * self.stride[1])
        unfolded = 8 * cells * self.groups * int(np.prod(weight.shape[1:]))
        parts = [
            F.conv2d(part, weight, bias, self.stride, 0, self.dilation, self.groups)
            for part in torch.split(padded, max(1, _UNFOLDED_BYTES // unfolded))
        ]
        return torch.cat(parts)


@dataclass(frozen=True, eq=False)
class Linear(_Weighted):
    """Fully connected layer, weights ``[O, I]``."""

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Exact accumulation, then one multiplier per channel."""
        x, weight, bias = self._operands(specs, values)
        return self._requantize(specs, F.linear(x, weight, bias))


@dataclass(frozen=True, eq=False)
class Add:
    """A sum of two integer tensors."""

    left: str
    right: str
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The two summands."""
        return (self.left, self.right)

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Sum of the real values, quantised at the output."""
        total = sum(specs[name].dequantize(values[name]) for name in self.inputs)
        assert isinstance(total, Tensor)
        return specs[self.output].quantize(total)


@dataclass(frozen=True, eq=False)
class Mul:
    """A product; the second factor may be ``[C, 1, 1]`` against a first ``[C, H, W]``."""

    left: str
    right: str
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The two factors."""
        return (self.left, self.right)

    def run(self, specs: Specs, values: Values) -> Tensor:
        """An exact product, then one multiplier."""
        target = specs[self.output]
        scales = [np.float32(specs[name].scale) for name in (*self.inputs, self.output)]
        # float32 as a kernel has it, which a float64 holds exactly.
        multiplier = float(scales[0] * scales[1] / scales[2])
        product = (values[self.left] * values[self.right]).float() * multiplier
        return torch.clamp(torch.round(product).double(), target.low, target.high)


@dataclass(frozen=True, eq=False)
class Concat:
    """Channels joined; all tensors share one scale."""

    parts: tuple[str, ...]
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The parts in order."""
        return self.parts

    def run(self, specs: Specs, values: Values) -> Tensor:
        """A copy."""
        return torch.cat([values[name] for name in self.parts], dim=1)


@dataclass(frozen=True, eq=False)
class _Pool(Single):
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class MaxPool(_Pool):
    """Largest integer of a window; padding never wins."""

    def run(self, specs: Specs, values: Values) -> Tensor:
        """A selection, exact."""
        top, bottom, left, right = self.padding
        x = F.pad(values[self.input], (left, right, top, bottom), value=float("-inf"))
        return F.max_pool2d(x, self.kernel, self.stride)


@dataclass(frozen=True, eq=False)
class AvgPool(_Pool):
    """Mean of a window without padding, rounded at the same scale."""

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Rounded half to even."""
        return torch.round(F.avg_pool2d(values[self.input], self.kernel, self.stride))


@dataclass(frozen=True, eq=False)
class GlobalAvgPool(Single):
    """Mean over height and width, ``[C, H, W]`` to ``[C, 1, 1]``."""

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Mean of the real values, quantised at the output."""
        mean = values[self.input].mean(dim=(2, 3), keepdim=True)
        return specs[self.output].quantize(specs[self.input].dequantize(mean))


@dataclass(frozen=True, eq=False)
class Flatten(Single):
    """``[C, 1, 1]`` to ``[C]``."""

    def run(self, specs: Specs, values: Values) -> Tensor:
        """A view."""
        return values[self.input].flatten(1)


@dataclass(frozen=True, eq=False)
class Dequantize(Single):
    """Integers to float32, at the end of the graph."""

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Step times scale."""
        return specs[self.input].dequantize(values[self.input])
