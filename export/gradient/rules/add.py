"""The gradient of a sum."""

from __future__ import annotations

from edge_runtime.errors import ArtifactError
from export import operations as ops
from export.gradient.backward import Backward
from export.program import IMAGE

__all__ = ["AddRule"]


class AddRule:
    """Masked at the sum.

    Case 1: two tensors of the network; each gets the whole.
    Case 2: a tensor plus itself: twice the same contribution.
    Case 3: the image itself is a summand: refused, since its channels keep one scale.
    """

    def apply(self, backward: Backward, operation: ops.Add) -> None:
        """The masked gradient goes to both summands."""
        if IMAGE in operation.inputs:  # Case 3.
            raise ArtifactError(
                f"{operation.output} adds the image itself to something; no integer saliency graph "
                "can be written for it."
            )
        gradient = backward.masked_gradient(operation.output)
        for source in operation.inputs:
            backward.contribute(source, gradient)
