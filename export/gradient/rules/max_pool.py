"""The gradient of max pooling."""

from __future__ import annotations

from dataclasses import replace

from edge_runtime.errors import ArtifactError
from export import operations as ops
from export.gradient.backward import Backward, by_channel
from export.gradient.ranges import best_scale

__all__ = ["MaxPoolRule"]


class MaxPoolRule:
    """Each window's gradient goes to the first of its cells that holds the maximum, as in torch.

    Case 1: windows that do not overlap: a copy, at the same step.
    Case 2: windows that do: a cell may get several shares, so that the sum has a step of its own.
    Case 3: windows smaller than their distance, or of different distances in height and width:
        refused.

    Selecting rounds nothing, so there is no mask here: whatever wrote the input masks it.
    """

    def apply(self, backward: Backward, operation: ops.MaxPool) -> None:
        """Route the gradient."""
        kernel, stride = operation.kernel, operation.stride
        if stride[0] != stride[1] or min(kernel) < stride[0]:  # Case 3.
            raise ArtifactError(
                f"{operation.output} pools windows of {kernel[0]}x{kernel[1]} at a distance of "
                f"{stride[0]}x{stride[1]}; no integer saliency graph can be written for it."
            )
        gradient = backward.full_gradient_of(operation.output)
        shape = backward.program.tensors[operation.input].shape
        outline = ops.MaxPoolGradient(
            gradient,
            operation.input,
            operation.output,
            "",
            kernel,
            stride,
            operation.padding,
        )
        if kernel == stride:  # Case 1.
            name = backward.declare_like(gradient, operation.input, shape)
        else:  # Case 2.
            factors = backward.factors[gradient]
            real = outline.real(backward.values, backward.real(gradient))
            scale = best_scale(by_channel(real), factors)
            name = backward.declare(operation.input, shape, scale, factors)
        backward.append(replace(outline, output=name))
        backward.contribute(operation.input, name)
