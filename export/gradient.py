"""Derive the saliency graph: the gradient of a class score for the image, in integers.

Reverse-mode differentiation of the integer program. Every forward operation has one small rule
that writes integer operations for the gradient of its inputs, so that a new backbone needs no new
code. Gradient tensors are signed 8 bit; their scales come from calibration images, on which the
same operations run in real numbers first. Two things keep them fine enough:

- Channels are equalised: each is stored divided by a factor of its own, which costs nothing because
  the factors fold into the weights around it. Tensors that a sum joins share their factors.
- Images are brought to one size where all paths join in a small tensor: its peak looks up a factor,
  which the map is divided by in the end.

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
from export.gradient_ranges import (
    GRADIENT_LEVELS,
    best_scale,
    channel_factors,
    factor_table,
    spread_of_images,
)
from export.program import (
    CLASS_INDEX,
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

_PREFIX = "gradient/"
_BATCH = 8
# Images whose gradients differ more than this in size are brought to one, where that costs little.
_LARGEST_SPREAD = 2.5
_CHEAP_SHARE = 1 / 64


def add_gradient(program: Program, images: np.ndarray) -> Program:
    """The program with a gradient map behind it.

    Args:
        program: from :func:`export.lower.lower`.
        images: uint8 ``[N, H, W, 3]`` that fix the scales of the gradients; 32 or more are useful.
            Every fourth is asked about a class in turn, the others about their top class.

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
        self.group = _joined_tensors(program)
        self.group_factors: dict[str, np.ndarray] = {}
        self.rescaled: list[ops.Rescale] = []
        elements = sum(int(np.prod(spec.shape)) for spec in program.tensors.values())
        self.cheap = elements * _CHEAP_SHARE

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
            self._normalize(operation.output)
            rule(self, operation)
            self._drop_consumed(operation.output)
        image_gradient = self._gradient_of(IMAGE)
        self.tensors[SALIENCY] = TensorSpec(SALIENCY, self.program.image.shape[1:])
        self._append(ops.SaliencyMagnitude(image_gradient, SALIENCY, tuple(self.rescaled)))
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
            self.values[CLASS_INDEX] = self._asked_classes()
        specs = {**self.program.tensors, **self.tensors}
        with torch.no_grad():
            self.values[operation.output] = operation.run(specs, self.values)
        return operation.output

    def _asked_classes(self) -> torch.Tensor:
        """The top class, and for every fourth image one class after the other."""
        images = torch.arange(len(self.values[IMAGE]))
        classes = self.program.tensors[self.program.integers_of(LOGITS)].shape[0]
        asked = torch.where(images % 4 == 3, images // 4 % classes, torch.tensor(-1))
        return asked.double()

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
            low=-GRADIENT_LEVELS - 1,
            high=GRADIENT_LEVELS,
        )
        return unique

    def _contribute(self, tensor: str, gradient: str) -> None:
        self.contributions.setdefault(tensor, []).append(gradient)

    def _gradient_of(self, tensor: str) -> str:
        """The sum of all contributions to the gradient of ``tensor``."""
        parts = self.contributions[tensor]
        total = parts[0]
        for part in parts[1:]:
            real = sum(self._real(name) for name in (total, part))
            assert isinstance(real, torch.Tensor)
            factors = self.channel_factors[total]
            name = self._declare(
                f"{tensor}/sum", self._spec(total).shape, best_scale(_by_channel(real), factors)
            )
            self.channel_factors[name] = factors
            total = self._append(ops.Add(total, part, name))
        return total

    def _real(self, name: str) -> torch.Tensor:
        """The gradient's real values on the calibration images, its factors taken off."""
        factors = torch.from_numpy(self.channel_factors[name].astype(np.float64))
        return self._spec(name).dequantize(self.values[name]) * factors.reshape(-1, 1, 1)

    def _factors_for(self, tensor: str, by_channel: torch.Tensor) -> np.ndarray:
        """The factors of the gradient of ``tensor``, whose real values are ``[C, M]``.

        Case 1: the image; its channels are compared, so they keep one scale.
        Case 2: a tensor that a sum joins with one met before: the same factors.
        Case 3: any other: its own.
        """
        if tensor == IMAGE:
            return np.ones(len(by_channel), np.float32)
        return self.group_factors.setdefault(self.group[tensor], channel_factors(by_channel))

    def _normalize(self, tensor: str) -> None:
        """Bring the gradients of all images to one size.

        Only where nothing else is under way, since what a sum joins must have one factor, and only
        in a small tensor, since it is one more pass.
        """
        if not self._is_small_junction(tensor):
            return
        gradient = self._gradient_of(tensor)
        self.contributions[tensor] = [gradient]
        if spread_of_images(self._real(gradient)) < _LARGEST_SPREAD:
            return
        peak = f"normalize/{tensor}/peak"
        self.tensors[peak] = TensorSpec(peak, (1,))
        self._append(ops.Peak(gradient, peak))
        rescale = ops.Rescale(gradient, peak, "", factor_table())
        rescaled = self._real(gradient) * rescale.factor(self.values)[:, None, None, None]
        scale = best_scale(_by_channel(rescaled), self.channel_factors[gradient])
        name = self._declare(f"{tensor}/normalized", self._spec(gradient).shape, scale)
        self._inherit_factors(gradient, name)
        self.rescaled.append(replace(rescale, output=name))
        self.contributions[tensor] = [self._append(self.rescaled[-1])]

    def _is_small_junction(self, tensor: str) -> bool:
        """Whether the whole gradient passes through ``tensor``, cell by cell, in few values."""
        shape = self.program.tensors[tensor].shape
        if set(self.contributions) != {tensor} or int(np.prod(shape)) > self.cheap:
            return False
        return all(self._spec(part).shape == shape for part in self.contributions[tensor])

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
        self.channel_factors[target] = self.channel_factors[source]

    # One rule for each forward operation.

    def linear(self, operation: ops.Linear) -> None:
        """The class's row of the weights; the score is taken before its own rounding."""
        assert operation.weight_scale is not None
        real = operation.weight.astype(np.float64) * operation.weight_scale[:, None]
        factors = self._factors_for(operation.input, torch.from_numpy(real.T))
        stored = real / factors
        scale = float(np.abs(stored).max()) / GRADIENT_LEVELS
        table = np.rint(stored / scale).astype(np.int8)
        name = self._declare(operation.input, (table.shape[1], 1, 1), scale)
        self.channel_factors[name] = factors
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
        self._inherit_factors(gradient, name)
        self._append(ops.Mask(gradient, operation.output, name))
        self._contribute(operation.input, name)

    def add(self, operation: ops.Add) -> None:
        """The masked gradient goes to both summands."""
        if IMAGE in operation.inputs:
            raise ArtifactError(
                f"{operation.output} adds the image itself to something; no integer saliency graph "
                "can be written for it."
            )
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
        real_weight = _transposed_weights(operation, self.channel_factors[gradient])
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
        by_channel = _by_channel(real)
        factors = self._factors_for(operation.input, by_channel)
        scale = best_scale(by_channel, factors)
        name = self._declare(operation.input, source.shape, scale)
        self.channel_factors[name] = factors
        weight, weight_scale = _quantize_weights(real_weight)
        self._append(
            replace(outline, output=name, weight=weight, weight_scale=weight_scale / factors)
        )
        self._contribute(operation.input, name)

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


def _by_channel(gradient: torch.Tensor) -> torch.Tensor:
    """``[N, C, H, W]`` to ``[C, N H W]``."""
    return gradient.transpose(0, 1).reshape(gradient.shape[1], -1)


def _joined_tensors(program: Program) -> dict[str, str]:
    """Every tensor's group: those whose gradients must share their channels' factors.

    A sum hands one gradient to all that it joins; a pooling or flattening hands it on.
    """
    group = {name: name for name in program.tensors}
    for operation in program.operations:
        if isinstance(operation, ops.Add | ops.GlobalAvgPool | ops.Flatten):
            joined = {group[name] for name in operation.inputs}
            for name, found in group.items():
                if found in joined:
                    group[name] = operation.output
            group[operation.output] = operation.output
    return group


def _transposed_weights(operation: ops.Conv, factors: np.ndarray) -> np.ndarray:
    """Flipped real weights, input and output channels exchanged: float64 ``[I, O/groups, ...]``.

    ``factors`` ``[O]`` are those of the incoming gradient's channels.
    """
    assert operation.weight_scale is not None
    per_channel = operation.weight_scale.astype(np.float64) * factors
    real = operation.weight.astype(np.float64) * per_channel.reshape(-1, 1, 1, 1)
    outputs, inputs_per_group, *kernel = real.shape
    grouped = real.reshape(operation.groups, outputs // operation.groups, inputs_per_group, *kernel)
    flipped = grouped.transpose(0, 2, 1, 3, 4)[..., ::-1, ::-1]
    return np.ascontiguousarray(flipped.reshape(operation.groups * inputs_per_group, -1, *kernel))


def _quantize_weights(real: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 per output channel: the integers and float32 scales ``[I]``."""
    largest = np.abs(real).reshape(len(real), -1).max(axis=1)
    scale = np.maximum(largest / GRADIENT_LEVELS, 1e-12).astype(np.float32)
    integers = np.rint(real / scale.reshape(-1, 1, 1, 1).astype(np.float64))
    return np.clip(integers, -GRADIENT_LEVELS, GRADIENT_LEVELS).astype(np.int8), scale
