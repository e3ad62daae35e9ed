"""Which channels of a program's tensors must store their gradients with one factor."""

from __future__ import annotations

import numpy as np
import torch

from export import operations as ops
from export.gradient.ranges import channel_factors
from export.program import Program

__all__ = ["ChannelFactors"]


class ChannelFactors:
    """The factor of every channel of every gradient, found when the backward pass first meets it.

    Channels are joined where an operation hands one gradient to several tensors, so that no pass is
    spent on changing factors:

    Case 1: a sum or a product joins channel c of both inputs and of the output.
    Case 2: pooling by the maximum or over all cells, and flattening, join their two sides.
    Case 3: a concatenation joins each of its channels with the one that it was copied from.

    Args:
        program: the forward operations.
        target: the gradient for this tensor compares its channels, so they keep one scale.
    """

    def __init__(self, program: Program, target: str) -> None:
        self._first: dict[str, int] = {}
        count = 0
        for name, spec in program.tensors.items():
            self._first[name] = count
            count += spec.shape[0]
        self._parent = np.arange(count)
        for operation in program.operations:
            self._join_operation(program, operation)
        self._known: dict[int, float] = dict.fromkeys(self._joined(target, program), 1.0)
        self._program = program

    def of(self, tensor: str, by_channel: torch.Tensor) -> np.ndarray:
        """The factors of the gradient of ``tensor``: float32 ``[C]``.

        Case 1: all of its channels are joined with some that were met before: theirs.
        Case 2: none is: equalised by their own size.
        Case 3: some are: the others are equalised to the level of these.

        Args:
            tensor: of the program.
            by_channel: float64 ``[C, M]``, the gradient at M places.
        """
        joined = self._joined(tensor, self._program)
        known = np.array([channel in self._known for channel in joined])
        factors = np.array([self._known.get(channel, 0.0) for channel in joined], np.float32)
        if not known.all():
            own = channel_factors(by_channel)
            level = 1.0 if not known.any() else float(np.median(factors[known] / own[known]))
            factors[~known] = own[~known] * level
            for channel, factor in zip(joined, factors, strict=True):
                self._known.setdefault(channel, float(factor))
            # Two channels of one tensor may be joined; the first was kept.
            factors = np.array([self._known[channel] for channel in joined], np.float32)
        return factors

    def _joined(self, tensor: str, program: Program) -> list[int]:
        """The representative of each channel."""
        first = self._first[tensor]
        return [self._find(first + c) for c in range(program.tensors[tensor].shape[0])]

    def _join_operation(self, program: Program, operation: object) -> None:
        if isinstance(operation, ops.Add | ops.Mul | ops.GlobalAvgPool | ops.Flatten | ops.MaxPool):
            for source in operation.inputs:
                self._join(source, operation.output, 0, program.tensors[source].shape[0])
        elif isinstance(operation, ops.Concat):
            start = 0
            for part in operation.parts:
                count = program.tensors[part].shape[0]
                self._join(part, operation.output, start, count)
                start += count

    def _join(self, part: str, whole: str, start: int, count: int) -> None:
        for channel in range(count):
            left = self._find(self._first[part] + channel)
            right = self._find(self._first[whole] + start + channel)
            self._parent[left] = right

    def _find(self, channel: int) -> int:
        while self._parent[channel] != channel:
            self._parent[channel] = self._parent[self._parent[channel]]
            channel = int(self._parent[channel])
        return channel
