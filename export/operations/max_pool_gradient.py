"""The gradient of max pooling, routed in integers to the very cell that torch routes it to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from export.operations.forward import Specs, Values

__all__ = ["MaxPoolGradient"]


@dataclass(frozen=True, eq=False)
class MaxPoolGradient:
    """Each window's gradient goes to the first of its cells that holds the maximum.

    "First" is the order of rows, then columns: the cell that torch's own backward chooses, so ties,
    which are common among few levels, make no difference. The places of a window are visited in
    that order; the first whose integer equals the maximum takes what is left of the gradient. Where
    windows overlap, a cell may be chosen by several: their shares are added up in the same order.

    Attributes:
        gradient: of the pooled tensor ``[C, h, w]``.
        source: what was pooled, ``[C, H, W]``, forward integers.
        maximum: the pooled tensor, forward integers.
        output: of the shape of ``source``.
        kernel: height and width of a window.
        stride: between windows; not larger than the kernel.
        padding: ``(top, bottom, left, right)``, cells that never win.
    """

    gradient: str
    source: str
    maximum: str
    output: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The gradient and the forward integers."""
        return (self.gradient, self.source, self.maximum)

    def run(self, specs: Specs, values: Values) -> Tensor:
        """Shares in steps of the output, added up with saturation."""
        target = specs[self.output]
        total = self._canvas(values)
        for cells, share in self._shares(values, values[self.gradient]):
            steps = target.quantize(specs[self.gradient].dequantize(share))
            # A format may store the negative, so that the lowest byte saturates: symmetric.
            part = total[cells] + steps.clamp(min=-target.high)
            total[cells] = part.clamp(target.low, target.high)
        return self._inside(total, values)

    def real(self, values: Values, gradient: Tensor) -> Tensor:
        """The same for a gradient of real values ``[N, C, h, w]``."""
        total = self._canvas(values)
        for cells, share in self._shares(values, gradient):
            total[cells] += share
        return self._inside(total, values)

    def _shares(
        self, values: Values, gradient: Tensor
    ) -> Iterator[tuple[tuple[slice, ...], Tensor]]:
        """For each place in a window: its cells of the padded source, and what they get."""
        top, bottom, left, right = self.padding
        source = F.pad(
            values[self.source].double(), (left, right, top, bottom), value=float("-inf")
        )
        maximum, remaining = values[self.maximum], gradient
        spans = [
            step * (count - 1) + 1
            for step, count in zip(self.stride, maximum.shape[2:], strict=True)
        ]
        nothing = torch.zeros((), dtype=gradient.dtype)
        for row in range(self.kernel[0]):
            for column in range(self.kernel[1]):
                cells = (
                    slice(None),
                    slice(None),
                    slice(row, row + spans[0], self.stride[0]),
                    slice(column, column + spans[1], self.stride[1]),
                )
                chosen = source[cells] == maximum
                yield cells, torch.where(chosen, remaining, nothing)
                remaining = torch.where(chosen, nothing, remaining)

    def _canvas(self, values: Values) -> Tensor:
        top, bottom, left, right = self.padding
        *leading, height, width = values[self.source].shape
        shape = (*leading, top + height + bottom, left + width + right)
        return torch.zeros(shape, dtype=torch.float64)

    def _inside(self, total: Tensor, values: Values) -> Tensor:
        height, width = values[self.source].shape[2:]
        top, left = self.padding[0], self.padding[2]
        return total[:, :, top : top + height, left : left + width]
