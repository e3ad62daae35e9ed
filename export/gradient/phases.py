"""The gradient at the input of a strided convolution, without zeros between the cells.

Of a stride of s, the input's pixels fall into s x s phases by their place within a cell. All pixels
of a phase see the same weights, so that one convolution over the cells gives all phases as
channels, and depth to space puts them in their places (the sub-pixel convolution of Shi et al.,
arXiv 1609.05158, section 3.2; here for the transpose). Against zeros in between it multiplies no
zero: a quarter of the cells, a kernel of half the side, and s x s times the channels, of which the
image has only three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export import operations as ops

__all__ = ["Phases", "phases_of"]


@dataclass(frozen=True)
class _Axis:
    """One direction.

    Attributes:
        before: cells of padding in front.
        after: cells behind.
        taps: of each phase, pairs of a place in the window and a place in the forward kernel.
    """

    before: int
    after: int
    taps: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def window(self) -> int:
        """Cells that all phases together see."""
        return 1 + max(place for phase in self.taps for place, _ in phase)


@dataclass(frozen=True)
class Phases:
    """How the gradient for the input of one convolution is written in phases.

    Attributes:
        block: the stride.
        rows: the vertical direction.
        columns: the horizontal one.
    """

    block: int
    rows: _Axis
    columns: _Axis

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """Top, bottom, left and right, in cells."""
        return (self.rows.before, self.rows.after, self.columns.before, self.columns.after)

    def weights(self, real: np.ndarray) -> np.ndarray:
        """The weights of all phases, ``[s s I, O, h, w]`` of forward ``[O, I, kh, kw]``.

        The channels are in the order of depth to space: row of the phase, its column, channel.
        """
        outputs, inputs = real.shape[:2]
        shape = (self.block, self.block, inputs, outputs, self.rows.window, self.columns.window)
        made = np.zeros(shape, real.dtype)
        for row, vertical in enumerate(self.rows.taps):
            for column, horizontal in enumerate(self.columns.taps):
                for top, above in vertical:
                    for left, aside in horizontal:
                        made[row, column, :, :, top, left] = real[:, :, above, aside].T
        return made.reshape(-1, outputs, *shape[4:])


def phases_of(
    operation: ops.Conv, input_hw: Sequence[int], output_hw: Sequence[int]
) -> Phases | None:
    """How to write a convolution's gradient in phases, or None where it does not go or not pay.

    Case 1: one stride above 1 in both directions, no groups, no dilation, an input of whole cells.
    Case 2: anything else: None.
    """
    step = operation.stride[0]
    plain = operation.groups == 1 and operation.dilation == (1, 1)
    if not (operation.stride == (step, step) and step > 1 and plain):
        return None
    top, _, left, _ = operation.padding
    axes = [
        _axis(kernel, step, pad, size, cells)
        for kernel, pad, size, cells in zip(
            operation.weight.shape[2:], (top, left), input_hw, output_hw, strict=True
        )
    ]
    rows, columns = axes
    return None if rows is None or columns is None else Phases(step, rows, columns)


def _axis(kernel: int, step: int, pad: int, size: int, cells: int) -> _Axis | None:
    """The gradient at pixel ``s i + p`` is the sum over k = (p + pad) modulo s, in steps of s, of
    weight k times the gradient at cell ``i + (p + pad - k) / s``.
    """
    if size % step:
        return None
    seen = [
        [((phase + pad - k) // step, k) for k in range((phase + pad) % step, kernel, step)]
        for phase in range(step)
    ]
    offsets = [offset for phase in seen for offset, _ in phase]
    first, last = min(offsets), max(offsets)
    after = last + size // step - cells
    if first > 0 or after < 0:
        return None
    taps = tuple(tuple((offset - first, k) for offset, k in phase) for phase in seen)
    return _Axis(-first, after, taps)
