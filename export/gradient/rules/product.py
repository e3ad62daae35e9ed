"""The gradient of a product."""

from __future__ import annotations

from dataclasses import replace

import torch

from export import operations as ops
from export.gradient.backward import Backward, by_channel
from export.gradient.ranges import best_scale
from export.program import ProgramTensor

__all__ = ["ProductRule"]


class ProductRule:
    """Masked at the product; each factor gets it times the other.

    Case 1: factors of one shape.
    Case 2: one number for each channel: what all cells get is added up.
    """

    def apply(self, backward: Backward, operation: ops.Mul) -> None:
        """One product for each factor."""
        gradient = backward.masked_gradient(operation.output)
        tensors = backward.program.tensors
        for factor, other in (operation.inputs, operation.inputs[::-1]):
            outline = ops.Product(gradient, other, "")
            name = _declared(backward, factor, outline, tensors[operation.output].shape)
            backward.append(replace(outline, output=name))
            if tensors[factor].shape != tensors[operation.output].shape:  # Case 2.
                total = ops.GlobalSum(name, "")
                name = _declared(backward, factor, total, tensors[factor].shape)
                backward.append(replace(total, output=name))
            backward.contribute(factor, name)


def _declared(
    backward: Backward,
    factor: str,
    outline: ops.Product | ops.GlobalSum,
    shape: tuple[int, ...],
) -> str:
    """A tensor for what an operation gives, whose step is fit for it."""
    source = outline.inputs[0]
    factors = backward.factors[source]
    specs: dict[str, ProgramTensor] = {name: backward.spec(name) for name in outline.inputs}
    stored = outline.real(specs, backward.values)
    per_channel = torch.from_numpy(factors.astype("float64")).reshape(-1, 1, 1)
    scale = best_scale(by_channel(stored * per_channel), factors)
    return backward.declare(factor, shape, scale, factors)
