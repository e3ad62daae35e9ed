"""The gradient of a convolution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from edge_runtime.errors import ArtifactError
from export import operations as ops
from export.gradient.backward import PREFIX, Backward, by_channel
from export.gradient.phases import Phases, phases_of
from export.gradient.ranges import GRADIENT_LEVELS, best_scale
from export.program import IMAGE

__all__ = ["ConvolutionRule"]


class ConvolutionRule:
    """Mask, zeros between the cells for a stride, then the flipped, transposed weights.

    Case 1: stride 1. Case 2: a stride; the zeros come first.
    Case 3: the convolution that reads the image: the map is in logits per grey level; a stride is
        written in phases in place of zeros (see :mod:`export.gradient.phases`), since the image has
        so few channels.
    Case 4: padding beyond the kernel's reach, where whole windows see no cell: refused.
    """

    def apply(self, backward: Backward, operation: ops.Conv) -> None:
        """One convolution, whose weights are quantised anew for each of its output channels."""
        gradient = backward.masked_gradient(operation.output)
        source = backward.program.tensors[operation.input]
        phases = None
        if operation.input == IMAGE:  # Case 3.
            cells = backward.spec(gradient).shape
            phases = phases_of(operation, source.shape[1:3], cells[1:3])
        if phases is not None:
            real_weight = phases.weights(_real_weights(operation, backward.factors[gradient]))
            padding = phases.padding
        else:
            before = _padding_before(operation)
            gradient, after = _insert_zeros(backward, operation, gradient, before)
            real_weight = _transposed_weights(operation, backward.factors[gradient])
            padding = (before[0], after[0], before[1], after[1])
        if operation.input == IMAGE:
            assert source.scale is not None
            real_weight *= source.scale
        outline = ops.Conv(
            gradient,
            "",
            f"{PREFIX}{operation.name}",
            np.empty(0, np.int8),
            None,
            np.zeros(len(real_weight), np.int32),
            padding=padding,
            dilation=operation.dilation,
            groups=operation.groups,
        )
        real = outline.convolve(
            backward.spec(gradient).dequantize(backward.values[gradient]),
            torch.from_numpy(real_weight),
            None,
        )
        name = _append(backward, operation.input, outline, real, real_weight, phases)
        backward.contribute(operation.input, name)


def _append(
    backward: Backward,
    target: str,
    outline: ops.Conv,
    real: torch.Tensor,
    real_weight: np.ndarray,
    phases: Phases | None,
) -> str:
    """Choose factors and a scale for the gradient of ``target``, append what gives it, name it."""
    shape = backward.program.tensors[target].shape
    block = phases.block if phases else 1
    values = by_channel(ops.depth_to_space(real, block))
    factors = backward.factors_for(target, values)
    scale = best_scale(values, factors)
    of_outputs = np.tile(factors, block**2)
    place, made = (f"{target}/phases", tuple(real.shape[1:])) if phases else (target, shape)
    name = backward.declare(place, made, scale, of_outputs)
    weight, weight_scale = _quantize_weights(real_weight)
    backward.append(
        replace(outline, output=name, weight=weight, weight_scale=weight_scale / of_outputs)
    )
    if phases is None:
        return name
    pixels = backward.declare(target, shape, scale, factors)
    return backward.append(ops.DepthToSpace(name, pixels, block))


def _padding_before(operation: ops.Conv) -> list[int]:
    """Of the gradient: rows above and columns left of it."""
    kernel, (top, _, left, _) = operation.weight.shape[2:], operation.padding
    before = [
        step * (size - 1) - pad
        for step, size, pad in zip(operation.dilation, kernel, (top, left), strict=True)
    ]
    if min(before) < 0:  # Case 4.
        raise ArtifactError(
            f"{operation.name} pads by more than its kernel; no integer saliency graph can "
            "be written for it."
        )
    return before


def _insert_zeros(
    backward: Backward, operation: ops.Conv, gradient: str, before: list[int]
) -> tuple[str, list[int]]:
    """The gradient at the input's resolution, and the padding behind it."""
    source = backward.program.tensors[operation.input].shape[1:]
    shape = backward.spec(gradient).shape
    reach = [
        d * (k - 1) for d, k in zip(operation.dilation, operation.weight.shape[2:], strict=True)
    ]
    full = [size * step for size, step in zip(shape[1:], operation.stride, strict=True)]
    wanted = [s + r - b for s, r, b in zip(source, reach, before, strict=True)]
    size = (min(full[0], wanted[0]), min(full[1], wanted[1]))
    after = [w - s for w, s in zip(wanted, size, strict=True)]
    if operation.stride == (1, 1):  # Case 1.
        return gradient, after
    # Case 2.
    name = backward.declare_like(gradient, f"{operation.output}/spread", (shape[0], *size))
    return backward.append(ops.ZeroInsert(gradient, name, operation.stride, size)), after


def _real_weights(operation: ops.Conv, factors: np.ndarray) -> np.ndarray:
    """The forward weights as real numbers, float64 ``[O, I/groups, ...]``.

    ``factors`` ``[O]`` are those of the incoming gradient's channels.
    """
    assert operation.weight_scale is not None
    per_channel = operation.weight_scale.astype(np.float64) * factors
    real: np.ndarray = operation.weight.astype(np.float64) * per_channel.reshape(-1, 1, 1, 1)
    return real


def _transposed_weights(operation: ops.Conv, factors: np.ndarray) -> np.ndarray:
    """Flipped real weights, input and output channels exchanged: float64 ``[I, O/groups, ...]``."""
    real = _real_weights(operation, factors)
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
