"""Constant factors that an emitter leaves on gradient tensors, and where they are taken off again.

An integer kernel can apply the straight-through mask in one multiplication only together with a
constant factor (its sign, and the scale of the mask). Rather than pay a further pass, the factor
stays on the tensor as its *gain* and is folded into the weights of the next convolution.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from export.operations import (
    Add,
    ChannelSlice,
    Conv,
    DepthToSpace,
    GlobalSum,
    Mask,
    MaxPoolGradient,
    Product,
    Rescale,
    ZeroInsert,
)
from export.program import Program

__all__ = ["fold_gain", "plan_gains"]


def plan_gains(
    program: Program, own_gain: Callable[[Mask | MaxPoolGradient], float]
) -> dict[str, float]:
    """The factor between the stored and the true real value of every tensor that has one.

    Case 1: a mask and the gradient of a max pooling multiply the gain by one of their own.
    Case 2: zero insertion, depth to space, a slice, rescaling and a product with an activation hand
        the gain on; a sum over all cells is kept as their mean.
    Case 3: a sum needs one gain on both sides; a convolution's output takes whatever is wanted.
    Case 4: any other convolution takes the gain off.
    """
    gains: dict[str, float] = {}
    convolved = {op.output for op in program.operations if isinstance(op, Conv)}
    for operation in program.operations:
        if isinstance(operation, Mask | MaxPoolGradient):
            gains[operation.output] = gains.get(operation.gradient, 1.0) * own_gain(operation)
        elif (
            isinstance(operation, ZeroInsert | DepthToSpace | ChannelSlice)
            and operation.input in gains
        ):
            gains[operation.output] = gains[operation.input]
        elif isinstance(operation, GlobalSum):
            cells = int(np.prod(program.tensors[operation.input].shape[1:]))
            gains[operation.output] = gains.get(operation.input, 1.0) / cells
        elif isinstance(operation, Rescale | Product) and operation.gradient in gains:
            gains[operation.output] = gains[operation.gradient]
        elif isinstance(operation, Add):
            fixed = {gains[name] for name in operation.inputs if name in gains}
            if not fixed:
                continue
            # The backward pass sees to it that all summands but one come from a convolution.
            free = [name for name in operation.inputs if name in convolved and name not in gains]
            assert len(free) >= len(operation.inputs) - 1, operation.output
            gain = fixed.pop()
            gains.update(dict.fromkeys((*operation.inputs, operation.output), gain))
    return gains


def fold_gain(operation: Conv, gains: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Weights and scales of a gradient convolution that turn its input's gain into its output's."""
    assert operation.weight_scale is not None
    factor = gains.get(operation.output, 1.0) / gains.get(operation.input, 1.0)
    scale = (operation.weight_scale.astype(np.float64) * abs(factor)).astype(np.float32)
    return (operation.weight if factor > 0 else -operation.weight), scale
