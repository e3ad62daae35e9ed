"""The operations of a saliency graph, each with its exact arithmetic in torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from export.operations.forward import Single, Specs, Values
from export.program import CLASS_INDEX

__all__ = [
    "FACTOR_LEVELS",
    "ChannelSlice",
    "ClassMap",
    "ClassRow",
    "DepthToSpace",
    "GlobalSum",
    "Mask",
    "Peak",
    "Product",
    "Rescale",
    "SaliencyMagnitude",
    "TopClass",
    "ZeroInsert",
    "depth_to_space",
]

FACTOR_LEVELS = 127


@dataclass(frozen=True, eq=False)
class TopClass(Single):
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
class ClassRow(Single):
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


def depth_to_space(values: Tensor, block: int) -> Tensor:
    """What :class:`DepthToSpace` does, of any numbers ``[N, b b C, h, w]``."""
    count, depth, height, width = values.shape
    parts = values.reshape(count, block, block, depth // block**2, height, width)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(count, -1, block * height, block * width)


@dataclass(frozen=True, eq=False)
class DepthToSpace(Single):
    """Groups of channels to the pixels of blocks: ``[b b C, h, w]`` to ``[C, b h, b w]``.

    The channels are in the order row of the block, column of the block, channel.
    """

    block: int

    def run(self, specs: Specs, values: Values) -> Tensor:
        """A copy."""
        return depth_to_space(values[self.input], self.block)


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
        return ((integers > spec.clipped_below) & (integers < spec.high)).double()

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Select and, where the scales differ, requantise."""
        real = specs[self.gradient].dequantize(values[self.gradient]) * self.gain
        target = specs[self.output]
        # The kernels multiply by a negative number, so that the lowest byte saturates: symmetric.
        return target.quantize(real * self.inside(specs, values)).clamp(min=-target.high)


@dataclass(frozen=True, eq=False)
class Product:
    """A gradient ``[C, H, W]`` times forward integers ``[C, H, W]`` or ``[C, 1, 1]``."""

    gradient: str
    activation: str
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The gradient and the forward integers."""
        return (self.gradient, self.activation)

    def run(self, specs: Specs, values: Values) -> Tensor:
        """The product of the real values, quantised at the output."""
        return specs[self.output].quantize(self.real(specs, values))

    def real(self, specs: Specs, values: Values) -> Tensor:
        """The product of the real values."""
        gradient, activation = (specs[name].dequantize(values[name]) for name in self.inputs)
        return gradient * activation


@dataclass(frozen=True, eq=False)
class GlobalSum(Single):
    """The sum over all cells, ``[C, H, W]`` to ``[C, 1, 1]``."""

    def run(self, specs: Specs, values: Values) -> Tensor:
        """The sum of the real values, quantised at the output."""
        return specs[self.output].quantize(self.real(specs, values))

    def real(self, specs: Specs, values: Values) -> Tensor:
        """The sum of the real values."""
        return specs[self.input].dequantize(values[self.input].sum(dim=(2, 3), keepdim=True))


@dataclass(frozen=True, eq=False)
class ChannelSlice(Single):
    """Some neighbouring channels, from ``start`` on; as many as the output has."""

    start: int

    def run(self, specs: Specs, values: Values) -> Tensor:
        """A copy."""
        count = specs[self.output].shape[0]
        return values[self.input][:, self.start : self.start + count]


@dataclass(frozen=True, eq=False)
class ZeroInsert(Single):
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
class Peak(Single):
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
class SaliencyMagnitude(Single):
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
