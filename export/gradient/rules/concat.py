"""The gradient of a concatenation."""

from __future__ import annotations

from export import operations as ops
from export.gradient.backward import Backward

__all__ = ["ConcatRule"]


class ConcatRule:
    """Each part gets its channels.

    Case 1: one value for each cell. Case 2: one value for each channel, behind global pooling: the
    parts' masks will spread it. Joining rounds nothing, so there is no mask here.
    """

    def apply(self, backward: Backward, operation: ops.Concat) -> None:
        """Cut the gradient where the parts were joined."""
        gradient = backward.gradient_of(operation.output)
        cells = backward.spec(gradient).shape[1:]
        factors = backward.factors[gradient]
        scale = backward.spec(gradient).scale
        assert scale is not None
        start = 0
        for part in operation.parts:
            count = backward.program.tensors[part].shape[0]
            end = start + count
            name = backward.declare(part, (count, *cells), scale, factors[start:end])
            backward.append(ops.ChannelSlice(gradient, name, start))
            backward.contribute(part, name)
            start = end
