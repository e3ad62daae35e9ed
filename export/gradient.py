"""Derive the saliency graph: the gradient of a class score for the image, in integers.

Reverse-mode differentiation of the integer program. Every forward operation has one small rule
that writes integer operations for the gradient of its inputs, so that a new backbone needs no new
code. Gradient tensors are signed 8 bit; their scales come from calibration images, on which the
same operations run in real numbers first. Where a gradient goes from one convolution straight into
the next, its channels are equalised: each is stored divided by a factor of its own, which costs
nothing because both factors fold into the weights around it.

The map is ``S = max over channels |d logit_c / d image|`` (arXiv 2111.14338, section 3; Simonyan et
al., arXiv 1312.6034), with PACT's straight-through mask taken from the forward integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from edge_runtime.errors import ArtifactError
from export import operations as ops
from export.program import (
    CLASS_INDEX_USED,
    IMAGE,
    LOGITS,
    SALIENCY,
    Operation,
    Program,
    TensorSpec,
    run_all,
)

__all__ = ["add_gradient"]

_GRADIENT_LEVELS = 127
_PREFIX = "gradient/"
_SAMPLES_PER_CHANNEL = 8192
_SMALLEST_FACTOR = 1 / 256
_BATCH = 8


def add_gradient(program: Program, images: np.ndarray) -> Program:
    """The program with a gradient map behind it.

    Args:
        program: from :func:`export.lower.lower`.
        images: uint8 ``[N, H, W, 3]`` that fix the scales of the gradients; 32 or more are useful.

    Returns:
        A program that also takes ``class_index`` and gives ``saliency`` ``[H, W]`` (logit per grey
        level) and ``class_index_used``.

    Raises:
        ArtifactError: an operation on the way has no integer gradient.
    """
    return _Backward(program, images).run()


class _Backward:
    def __init__(self, program: Program, images: np.ndarray) -> None:
        self.program = program
        self.tensors: dict[str, TensorSpec] = {}
        self.operations: list[Operation] = []
        self.values = _forward(program, images)
        self.contributions: dict[str, list[str]] = {}
        self.channel_factors: dict[str, np.ndarray] = {}

    def run(self) -> Program:
        logits = self.program.integers_of(LOGITS)
        self.tensors[CLASS_INDEX_USED] = TensorSpec(CLASS_INDEX_USED, (1,))
        self._append(ops.TopClass(logits, CLASS_INDEX_USED))
        for operation in reversed(self.program.operations):
            if isinstance(operation, ops.Dequantize):
                continue
            rule = _RULES.get(type(operation))
            if rule is None:
                raise ArtifactError(
                    f"{type(operation).__name__} ({operation.output}) has no integer gradient; "
                    "the bundle is written without a gradient graph."
                )
            rule(self, operation)
            self._drop_consumed(operation.output)
        image_gradient = self._gradient_of(IMAGE)
        self.tensors[SALIENCY] = TensorSpec(SALIENCY, self.program.image.shape[1:])
        self._append(ops.SaliencyMagnitude(image_gradient, SALIENCY))
        return self.program.extended(
            self.tensors,
            tuple(self.operations),
            {SALIENCY: SALIENCY, CLASS_INDEX_USED: CLASS_INDEX_USED},
        )

    def _drop_consumed(self, tensor: str) -> None:
        """Forget the values of gradients that nobody will read, once ``tensor`` is done with."""
        self.contributions.pop(tensor, None)
        wanted = {name for parts in self.contributions.values() for name in parts}
        for name in [name for name in self.values if name.startswith(_PREFIX)]:
            if name not in wanted:
                del self.values[name]

    # Tensors and their calibration.

    def _spec(self, name: str) -> TensorSpec:
        return self.tensors.get(name) or self.program.tensors[name]

    def _append(self, operation: Operation) -> str:
        """Add an operation and compute its output on the calibration images."""
        self.operations.append(operation)
        if isinstance(operation, ops.TopClass):
            self.values["class_index"] = torch.full((len(self.values[IMAGE]),), -1.0).double()
        specs = {**self.program.tensors, **self.tensors}
        with torch.no_grad():
            self.values[operation.output] = operation.run(specs, self.values)
        return operation.output

    def _declare(self, name: str, shape: tuple[int, ...], scale: float) -> str:
        unique, count = f"{_PREFIX}{name}", 1
        while unique in self.tensors:
            count += 1
            unique = f"{_PREFIX}{name}_{count}"
        self.tensors[unique] = TensorSpec(
            unique,
            shape,
            scale=float(np.float32(scale)),
            signed=True,
            low=-_GRADIENT_LEVELS - 1,
            high=_GRADIENT_LEVELS,
        )
        return unique

    def _contribute(self, tensor: str, gradient: str) -> None:
        self.contributions.setdefault(tensor, []).append(gradient)

    def _gradient_of(self, tensor: str) -> str:
        """The sum of all contributions to the gradient of ``tensor``."""
        parts = self.contributions[tensor]
        total = parts[0]
        for part in parts[1:]:
            real = sum(self._spec(name).dequantize(self.values[name]) for name in (total, part))
            assert isinstance(real, torch.Tensor)
            scale = float(_best_ranges(real.reshape(1, -1))) / _GRADIENT_LEVELS
            name = self._declare(f"{tensor}/sum", self._spec(total).shape, scale)
            total = self._append(ops.Add(total, part, name))
        return total

    def _masked_gradient(self, tensor: str) -> str:
        """The gradient behind the quantiser of ``tensor``: where its integer was inside."""
        gradient = self._gradient_of(tensor)
        spec = self._spec(gradient)
        assert spec.scale is not None
        activation = self.program.tensors[tensor]
        cells = int(np.prod(activation.shape[1:]))
        broadcast = spec.shape != activation.shape
        gain = 1.0 / cells if broadcast else 1.0
        name = self._declare(f"{tensor}/inside", activation.shape, spec.scale * gain)
        self._inherit_factors(gradient, name)
        return self._append(ops.Mask(gradient, tensor, name, gain))

    def _inherit_factors(self, source: str, target: str) -> None:
        if source in self.channel_factors:
            self.channel_factors[target] = self.channel_factors[source]

    # One rule for each forward operation.

    def linear(self, operation: ops.Linear) -> None:
        """The class's row of the weights; the score is taken before its own rounding."""
        assert operation.weight_scale is not None
        real = operation.weight.astype(np.float64) * operation.weight_scale[:, None]
        scale = float(np.abs(real).max()) / _GRADIENT_LEVELS
        table = np.rint(real / scale).astype(np.int8)
        name = self._declare(operation.input, (table.shape[1], 1, 1), scale)
        self._append(ops.ClassRow(CLASS_INDEX_USED, name, table))
        self._contribute(operation.input, name)

    def flatten(self, operation: ops.Flatten) -> None:
        """A view, both ways."""
        self._contribute(operation.input, self._gradient_of(operation.output))

    def global_avg_pool(self, operation: ops.GlobalAvgPool) -> None:
        """Masked at the pooled features; the broadcast to all cells waits for the next mask."""
        gradient = self._gradient_of(operation.output)
        spec = self._spec(gradient)
        assert spec.scale is not None
        name = self._declare(f"{operation.output}/inside", spec.shape, spec.scale)
        self._append(ops.Mask(gradient, operation.output, name))
        self._contribute(operation.input, name)

    def add(self, operation: ops.Add) -> None:
        """The masked gradient goes to both summands."""
        gradient = self._masked_gradient(operation.output)
        for source in operation.inputs:
            self._contribute(source, gradient)

    def convolution(self, operation: ops.Conv) -> None:
        """Mask, zeros between the cells for a stride, then the flipped, transposed weights."""
        gradient = self._masked_gradient(operation.output)
        source = self.program.tensors[operation.input]
        kernel, dilation = operation.weight.shape[2:], operation.dilation
        top, _, left, _ = operation.padding
        before = [d * (k - 1) - p for d, k, p in zip(dilation, kernel, (top, left), strict=True)]
        if min(before) < 0:
            raise ArtifactError(
                f"{operation.name} pads by more than its kernel; no integer saliency graph can "
                "be written for it."
            )
        gradient, after = self._insert_zeros(operation, gradient, before)
        real_weight = _transposed_weights(operation, self.channel_factors.get(gradient))
        if operation.input == IMAGE:
            assert source.scale is not None
            # The map is in logits per grey level, not per normalised unit.
            real_weight *= source.scale
        outline = ops.Conv(
            gradient,
            "",
            f"{_PREFIX}{operation.name}",
            np.empty(0, np.int8),
            None,
            np.zeros(len(real_weight), np.int32),
            padding=(before[0], after[0], before[1], after[1]),
            dilation=dilation,
            groups=operation.groups,
        )
        real = outline.convolve(
            self._spec(gradient).dequantize(self.values[gradient]),
            torch.from_numpy(real_weight),
            None,
        )
        by_channel = real.transpose(0, 1).reshape(len(real_weight), -1)
        name, factors = self._declare_gradient(operation.input, source.shape, by_channel)
        weight, scale = _quantize_weights(real_weight)
        self._append(replace(outline, output=name, weight=weight, weight_scale=scale / factors))
        self._contribute(operation.input, name)

    def _declare_gradient(
        self, tensor: str, shape: tuple[int, ...], by_channel: torch.Tensor
    ) -> tuple[str, np.ndarray]:
        """Declare the gradient of ``tensor`` from its real values ``[C, M]``.

        Case 1: the tensor comes from a convolution and has one reader: channels equalised.
        Case 2: the gradient is summed, shown or read otherwise: one scale, factors of 1.
        """
        readers = [op for op in self.program.operations if tensor in op.inputs]
        if isinstance(self.program.producer(tensor), ops.Conv) and len(readers) == 1:
            ranges = _best_ranges(by_channel).numpy()
            factors = np.maximum(ranges / ranges.max(), _SMALLEST_FACTOR).astype(np.float32)
            name = self._declare(tensor, shape, float(ranges.max()) / _GRADIENT_LEVELS)
            self.channel_factors[name] = factors
            return name, factors
        largest = float(_best_ranges(by_channel.reshape(1, -1)))
        name = self._declare(tensor, shape, largest / _GRADIENT_LEVELS)
        return name, np.ones(len(by_channel), np.float32)

    def _insert_zeros(
        self, operation: ops.Conv, gradient: str, before: list[int]
    ) -> tuple[str, list[int]]:
        """The gradient at the input's resolution, and the padding behind it."""
        source = self.program.tensors[operation.input].shape[1:]
        spec = self._spec(gradient)
        assert spec.scale is not None
        reach = [
            d * (k - 1) for d, k in zip(operation.dilation, operation.weight.shape[2:], strict=True)
        ]
        full = [size * step for size, step in zip(spec.shape[1:], operation.stride, strict=True)]
        wanted = [s + r - b for s, r, b in zip(source, reach, before, strict=True)]
        size = (min(full[0], wanted[0]), min(full[1], wanted[1]))
        after = [w - s for w, s in zip(wanted, size, strict=True)]
        if operation.stride == (1, 1):
            return gradient, after
        name = self._declare(f"{operation.output}/spread", (spec.shape[0], *size), spec.scale)
        self._inherit_factors(gradient, name)
        return self._append(ops.ZeroInsert(gradient, name, operation.stride, size)), after


_RULES: dict[type, Callable[[_Backward, Operation], None]] = {
    ops.Linear: _Backward.linear,  # type: ignore[dict-item]
    ops.Flatten: _Backward.flatten,  # type: ignore[dict-item]
    ops.GlobalAvgPool: _Backward.global_avg_pool,  # type: ignore[dict-item]
    ops.Add: _Backward.add,  # type: ignore[dict-item]
    ops.Conv: _Backward.convolution,  # type: ignore[dict-item]
}


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


def _transposed_weights(operation: ops.Conv, factors: np.ndarray | None) -> np.ndarray:
    """Flipped real weights, input and output channels exchanged: float64 ``[I, O/groups, ...]``.

    ``factors`` ``[O]`` are those of the incoming gradient's channels.
    """
    assert operation.weight_scale is not None
    per_channel = operation.weight_scale.astype(np.float64)
    if factors is not None:
        per_channel = per_channel * factors
    real = operation.weight.astype(np.float64) * per_channel.reshape(-1, 1, 1, 1)
    outputs, inputs_per_group, *kernel = real.shape
    grouped = real.reshape(operation.groups, outputs // operation.groups, inputs_per_group, *kernel)
    flipped = grouped.transpose(0, 2, 1, 3, 4)[..., ::-1, ::-1]
    return np.ascontiguousarray(flipped.reshape(operation.groups * inputs_per_group, -1, *kernel))


def _quantize_weights(real: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 per output channel: the integers and float32 scales ``[I]``."""
    largest = np.abs(real).reshape(len(real), -1).max(axis=1)
    scale = np.maximum(largest / _GRADIENT_LEVELS, 1e-12).astype(np.float32)
    integers = np.rint(real / scale.reshape(-1, 1, 1, 1).astype(np.float64))
    return np.clip(integers, -_GRADIENT_LEVELS, _GRADIENT_LEVELS).astype(np.int8), scale


def _best_ranges(by_channel: torch.Tensor) -> torch.Tensor:
    """The range of each row of ``[C, M]`` with the least squared error after 8-bit rounding."""
    step = max(1, by_channel.shape[1] // _SAMPLES_PER_CHANNEL)
    sample = by_channel[:, ::step]
    largest = by_channel.abs().amax(dim=1).clamp(min=1e-12)
    best, best_error = largest.clone(), torch.full_like(largest, torch.inf)
    for share in np.geomspace(0.05, 1.0, 16):
        limit = largest * share
        scale = (limit / _GRADIENT_LEVELS).unsqueeze(1)
        rounded = torch.clamp(torch.round(sample / scale), -_GRADIENT_LEVELS, _GRADIENT_LEVELS)
        error = ((rounded * scale - sample) ** 2).sum(dim=1)
        better = error < best_error
        best = torch.where(better, limit, best)
        best_error = torch.where(better, error, best_error)
    return best
