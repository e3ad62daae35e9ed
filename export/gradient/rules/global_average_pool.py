"""The gradient of the mean over all cells."""

from __future__ import annotations

from export import operations as ops
from export.gradient.backward import Backward

__all__ = ["GlobalAveragePoolRule"]


class GlobalAveragePoolRule:
    """Masked at the pooled features; the broadcast to all cells waits for the next mask."""

    def apply(self, backward: Backward, operation: ops.GlobalAvgPool) -> None:
        """One value for each channel."""
        backward.contribute(operation.input, backward.masked_gradient(operation.output))
