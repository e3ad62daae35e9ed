"""The backward program under construction: gradient tensors, their calibration, and what is due."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from edge_runtime.errors import ArtifactError
from export import operations as ops
from export.gradient.channels import ChannelFactors
from export.gradient.ranges import GRADIENT_LEVELS, best_scale
from export.near_ties import Grid, settled_scale
from export.program import (
    CLASS_INDEX,
    CLASS_INDEX_USED,
    IMAGE,
    LOGITS,
    SALIENCY,
    Operation,
    Program,
    ProgramTensor,
    run_all,
)

__all__ = ["PREFIX", "Backward", "by_channel"]

PREFIX = "gradient/"
_BATCH = 8


class Backward:
    """What the rules read and write.

    Attributes:
        program: the forward operations.
        target: the tensor that the gradient is taken for; the image, or a feature map.
        values: forward integers, and the gradients that somebody will still read, on the
            calibration images.
        contributions: tensor of the program to the gradients that it got so far; they add up.
        factors: gradient to what its channels are stored divided by, float32 ``[C]``.
        rescaled: the factors that the gradients of single images went through.
        element_count: elements of all forward tensors.
    """

    def __init__(self, program: Program, images: np.ndarray, target: str) -> None:
        self.program, self.target = program, target
        self.values = _forward(program, images)
        self.contributions: dict[str, list[str]] = {}
        self.factors: dict[str, np.ndarray] = {}
        self.rescaled: list[ops.Rescale] = []
        self.element_count = sum(int(np.prod(spec.shape)) for spec in program.tensors.values())
        self._channels = ChannelFactors(program, target)
        self._tensors: dict[str, ProgramTensor] = {}
        self._operations: list[Operation] = []

    # The program.

    def operations_behind_target(self) -> list[Operation]:
        """The forward operations that the target's values reach, in order."""
        reached, found = {self.target}, []
        for operation in self.program.operations:
            if reached.intersection(operation.inputs):
                reached.add(operation.output)
                found.append(operation)
        return found

    def extended(self) -> Program:
        """The program with everything that was appended behind it."""
        return self.program.extended(
            self._tensors,
            tuple(self._operations),
            {SALIENCY: SALIENCY, CLASS_INDEX_USED: CLASS_INDEX_USED},
        )

    def spec(self, name: str) -> ProgramTensor:
        """A tensor of the program or a gradient."""
        return self._tensors.get(name) or self.program.tensors[name]

    def add_tensor(self, spec: ProgramTensor) -> None:
        """Add a tensor that is no gradient."""
        self._tensors[spec.name] = spec

    def declare(self, name: str, shape: tuple[int, ...], scale: float, factors: np.ndarray) -> str:
        """Add a gradient tensor and give its name, made unique."""
        unique, count = f"{PREFIX}{name}", 1
        while unique in self._tensors:
            count += 1
            unique = f"{PREFIX}{name}_{count}"
        self._tensors[unique] = ProgramTensor(
            unique,
            shape,
            scale=float(np.float32(scale)),
            signed=True,
            low=-GRADIENT_LEVELS - 1,
            high=GRADIENT_LEVELS,
        )
        self.factors[unique] = factors
        return unique

    def declare_like(
        self, gradient: str, name: str, shape: tuple[int, ...], gain: float = 1.0
    ) -> str:
        """Add a gradient tensor of the step (times ``gain``) and factors of another."""
        scale = self.spec(gradient).scale
        assert scale is not None
        return self.declare(name, shape, scale * gain, self.factors[gradient])

    def append(self, operation: Operation) -> str:
        """Add an operation and compute its output on the calibration images."""
        self._operations.append(operation)
        if isinstance(operation, ops.TopClass):
            self.values[CLASS_INDEX] = self._asked_classes()
        specs = {**self.program.tensors, **self._tensors}
        with torch.no_grad():
            self.values[operation.output] = operation.run(specs, self.values)
        return operation.output

    def _asked_classes(self) -> torch.Tensor:
        """The top class, and for every fourth image one class after the other."""
        images = torch.arange(len(self.values[IMAGE]))
        classes = self.program.tensors[self.program.integers_of(LOGITS)].shape[0]
        asked = torch.where(images % 4 == 3, images // 4 % classes, torch.tensor(-1))
        return asked.double()

    # Gradients.

    def contribute(self, tensor: str, gradient: str) -> None:
        """Add to the gradient of ``tensor``."""
        self.contributions.setdefault(tensor, []).append(gradient)

    def drop_consumed(self, tensor: str) -> None:
        """Forget the values of gradients that nobody will read, once ``tensor`` is done with."""
        self.contributions.pop(tensor, None)
        wanted = {name for parts in self.contributions.values() for name in parts}
        for name in [name for name in self.values if name.startswith(PREFIX)]:
            if name not in wanted:
                del self.values[name]

    def gradient_of(self, tensor: str) -> str:
        """The sum of all contributions to the gradient of ``tensor``."""
        total, *parts = self._summable(tensor, self.contributions[tensor])
        for part in parts:
            real = self.real(total) + self.real(part)
            factors = self.factors[total]
            scale = best_scale(by_channel(real), factors)
            name = self.declare(f"{tensor}/sum", self.spec(total).shape, scale, factors)
            grids = (Grid.of(self.spec(each)) for each in (total, part, name))
            self._tensors[name] = replace(self.spec(name), scale=float(settled_scale(*grids)))
            total = self.append(ops.Add(total, part, name))
        return total

    def masked_gradient(self, tensor: str) -> str:
        """The gradient behind the quantiser of ``tensor``: where its integer was inside."""
        return self._mask(self.gradient_of(tensor), tensor)

    def full_gradient_of(self, tensor: str) -> str:
        """The sum of all contributions in the shape of ``tensor``.

        Global pooling leaves one value for each channel, which a mask spreads over the cells. That
        mask is no change: the integers of ``tensor`` are looked at again by whatever wrote them.
        """
        gradient = self.gradient_of(tensor)
        return gradient if self._is_full(gradient, tensor) else self._mask(gradient, tensor)

    def _mask(self, gradient: str, tensor: str) -> str:
        if tensor == self.target:
            raise ArtifactError(
                f"the gradient at {tensor} comes out of a global pooling and is the same in all "
                "cells; no map can be made of it."
            )
        shape = self.program.tensors[tensor].shape
        gain = 1.0 if self._is_full(gradient, tensor) else 1.0 / int(np.prod(shape[1:]))
        name = self.declare_like(gradient, f"{tensor}/inside", shape, gain)
        return self.append(ops.Mask(gradient, tensor, name, gain))

    def _is_full(self, gradient: str, tensor: str) -> bool:
        """Whether there is a value for each cell; flat tensors have one cell."""
        shape = self.program.tensors[tensor].shape
        return self.spec(gradient).shape == (*shape, 1, 1)[:3]

    def real(self, name: str) -> torch.Tensor:
        """A gradient's real values on the calibration images, its factors taken off."""
        factors = torch.from_numpy(self.factors[name].astype(np.float64))
        return self.spec(name).dequantize(self.values[name]) * factors.reshape(-1, 1, 1)

    def factors_for(self, tensor: str, values: torch.Tensor) -> np.ndarray:
        """The factors of the gradient of ``tensor``, whose real values are ``[C, M]``."""
        return self._channels.of(tensor, values)

    def _summable(self, tensor: str, parts: list[str]) -> list[str]:
        """The contributions, so that the emitters can add them.

        A mask and a pooling leave a constant factor on what they write, which the next
        convolution takes off. Of the summands only the first may carry such a factor: all others
        have to come out of a convolution, which can be told to leave the same.
        """
        if len(parts) == 1:
            return parts
        full = [part if self._is_full(part, tensor) else self._mask(part, tensor) for part in parts]
        convolved = {op.output for op in self._operations if isinstance(op, ops.Conv)}
        free = [part for part in full if part in convolved]
        carrying = [part for part in full if part not in convolved]
        return [*carrying[:1], *free, *(self._copy(part) for part in carrying[1:])]

    def _copy(self, gradient: str) -> str:
        """The same integers, behind a convolution of one cell with ones."""
        spec = self.spec(gradient)
        channels = spec.shape[0]
        name = self.declare_like(gradient, f"{gradient.removeprefix(PREFIX)}/copy", spec.shape)
        return self.append(
            ops.Conv(
                gradient,
                name,
                name,
                np.ones((channels, 1, 1, 1), np.int8),
                np.ones(channels, np.float32),
                np.zeros(channels, np.int32),
                groups=channels,
            )
        )


def by_channel(gradient: torch.Tensor) -> torch.Tensor:
    """``[N, C, H, W]`` to ``[C, N H W]``."""
    return gradient.transpose(0, 1).reshape(gradient.shape[1], -1)


def _forward(program: Program, images: np.ndarray) -> dict[str, torch.Tensor]:
    """Every forward tensor, integers in 16 bits: they are only compared with limits."""
    parts = [
        {
            name: value.to(torch.int16) if program.tensors[name].is_integer else value
            for name, value in run_all(program, images[start : start + _BATCH]).items()
        }
        for start in range(0, len(images), _BATCH)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
