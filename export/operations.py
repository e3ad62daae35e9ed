"""The operations of an integer program, each with its exact arithmetic in torch.

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

from export.program import CLASS_INDEX, TensorSpec

__all__ = [
    "FACTOR_LEVELS",
    "Add",
    "AvgPool",
    "ClassMap",
    "ClassRow",
    "Concat",
    "Conv",
    "Dequantize",
    "Flatten",
    "GlobalAvgPool",
    "Linear",
    "Mask",
    "MaxPool",
    "Peak",
    "Rescale",
    "SaliencyMagnitude",
    "TopClass",
    "ZeroInsert",
]

_UNFOLDED_IMAGES = 4
FACTOR_LEVELS = 127

Specs = Mapping[str, TensorSpec]
Values = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class _Single:
    """An operation with one input."""

    input: str
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The one tensor it reads."""
        return (self.input,)


@dataclass(frozen=True, eq=False)
class _Weighted(_Single):
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
        # torch unfolds all images of a float64 convolution at once, 60 MB for one of 160 pixels.
        parts = [
            F.conv2d(part, weight, bias, self.stride, 0, self.dilation, self.groups)
            for part in torch.split(padded, _UNFOLDED_IMAGES)
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
class _Pool(_Single):
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
class GlobalAvgPool(_Single):
    """Mean over height and width, ``[C, H, W]`` to ``[C, 1, 1]``."""

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Mean of the real values, quantised at the output."""
        mean = values[self.input].mean(dim=(2, 3), keepdim=True)
        return specs[self.output].quantize(specs[self.input].dequantize(mean))


@dataclass(frozen=True, eq=False)
class Flatten(_Single):
    """``[C, 1, 1]`` to ``[C]``."""

    def run(self, specs: Specs, values: Values) -> Tensor:
        """A view."""
        return values[self.input].flatten(1)


@dataclass(frozen=True, eq=False)
class Dequantize(_Single):
    """Integers to float32, at the end of the graph."""

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Step times scale."""
        return specs[self.input].dequantize(values[self.input])


@dataclass(frozen=True, eq=False)
class TopClass(_Single):
    """The class to explain: the one asked for, or for -1 the first of the largest logits."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The logits' integers and the class asked for."""
        return (self.input, CLASS_INDEX)

    def run(self, specs: Specs, values: Values) -> Tensor:
        """An index, ``[N]``."""
        asked = values[CLASS_INDEX]
        return torch.where(asked < 0, values[self.input].argmax(dim=1).double(), asked)


@dataclass(frozen=True, eq=False)
class ClassRow(_Single):
    """The classifier's row of the class: d logit / d features, ``[F, 1, 1]``.

    ``table`` int8 ``[C, F]`` holds all rows at the scale of the output.
    """

    table: np.ndarray

    def run(self, specs: Specs, values: Values) -> Tensor:
        """A look-up."""
        rows = torch.from_numpy(self.table).double()[values[self.input].long()]
        return rows[:, :, None, None]


@dataclass(frozen=True, eq=False)
class ClassMap:
    """One channel of ``maps`` ``[C, h, w]``, chosen by class: ``[h, w]`` float."""

    maps: str
    index: str
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """Maps and class index."""
        return (self.maps, self.index)

    def run(self, specs: Specs, values: Values) -> Tensor:
        """A look-up."""
        maps, index = values[self.maps], values[self.index].long()
        return maps[torch.arange(len(maps)), index]


@dataclass(frozen=True, eq=False)
class Mask:
    """PACT's straight-through backward: the gradient where the integer is strictly inside.

    ``gradient`` may be ``[C, 1, 1]`` against an activation ``[C, H, W]``; ``gain`` multiplies it
    (1 / (H W) behind a global mean).
    """

    gradient: str
    activation: str
    output: str
    gain: float = 1.0

    @property
    def inputs(self) -> tuple[str, ...]:
        """The gradient and the forward integers."""
        return (self.gradient, self.activation)

    def inside(self, specs: Specs, values: Values) -> Tensor:
        """1 where the forward integer is strictly between its limits, else 0."""
        spec, integers = specs[self.activation], values[self.activation]
        lowest = -spec.high if spec.signed else 0
        return ((integers > lowest) & (integers < spec.high)).double()

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Select and, where the scales differ, requantise."""
        real = specs[self.gradient].dequantize(values[self.gradient]) * self.gain
        target = specs[self.output]
        # The kernels multiply by a negative number, so that the lowest byte saturates: symmetric.
        return target.quantize(real * self.inside(specs, values)).clamp(min=-target.high)


@dataclass(frozen=True, eq=False)
class ZeroInsert(_Single):
    """Zeros between the cells, ``stride`` apart, cut or filled to ``size``; scale unchanged."""

    stride: tuple[int, int]
    size: tuple[int, int]

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Scatter."""
        x = values[self.input]
        out = x.new_zeros(*x.shape[:2], x.shape[2] * self.stride[0], x.shape[3] * self.stride[1])
        out[:, :, :: self.stride[0], :: self.stride[1]] = x
        return out[:, :, : self.size[0], : self.size[1]]


@dataclass(frozen=True, eq=False)
class Peak(_Single):
    """The largest magnitude of a signed tensor, one integer from 0 to 128 for each image."""

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Exact, ``[N]``."""
        return values[self.input].abs().amax(dim=(1, 2, 3))


@dataclass(frozen=True, eq=False)
class Rescale:
    """A tensor times a factor that is looked up by a peak: ``table[peak] / 127``.

    Brings the gradients of all images to one size, as a floating point format would. ``table`` is
    int8 ``[129]``, positive.
    """

    gradient: str
    peak: str
    output: str
    table: np.ndarray

    @property
    def inputs(self) -> tuple[str, ...]:
        """The gradient and its peak."""
        return (self.gradient, self.peak)

    @property
    def inverse(self) -> np.ndarray:
        """What takes each factor of the table off again, float32 ``[129]``."""
        return (FACTOR_LEVELS / self.table.astype(np.float64)).astype(np.float32)

    def factor(self, values: Values) -> Tensor:
        """The factor of each image, ``[N]``."""
        return torch.from_numpy(self.table).double()[values[self.peak].long()] / FACTOR_LEVELS

    def run(self, specs: Specs, values: Values) -> Tensor:
        """A product, quantised at the output."""
        real = specs[self.gradient].dequantize(values[self.gradient])
        return specs[self.output].quantize(real * self.factor(values)[:, None, None, None])


@dataclass(frozen=True, eq=False)
class SaliencyMagnitude(_Single):
    """Maximum over channels of |d logit / d input|: ``[3, H, W]`` integers to ``[H, W]`` float.

    ``rescaled`` are the factors that the gradient went through on the way, taken off here.
    """

    rescaled: tuple[Rescale, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The gradient and the peaks behind its factors."""
        return (self.input, *(rescale.peak for rescale in self.rescaled))

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Magnitude, then maximum."""
        magnitude = specs[self.input].dequantize(values[self.input]).abs().amax(dim=1)
        for rescale in self.rescaled:
            magnitude = magnitude / rescale.factor(values)[:, None, None]
        return magnitude
