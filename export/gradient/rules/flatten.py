"""The gradient of flattening."""

from __future__ import annotations

from export import operations as ops
from export.gradient.backward import Backward

__all__ = ["FlattenRule"]


class FlattenRule:
    """A view, both ways."""

    def apply(self, backward: Backward, operation: ops.Flatten) -> None:
        """Hand the gradient on."""
        backward.contribute(operation.input, backward.gradient_of(operation.output))
