"""The gradient of the classifier."""

from __future__ import annotations

import numpy as np
import torch

from edge_runtime.errors import ArtifactError
from export import operations as ops
from export.gradient.backward import Backward
from export.gradient.ranges import GRADIENT_LEVELS
from export.program import CLASS_INDEX_USED, LOGITS

__all__ = ["LinearRule"]


class LinearRule:
    """Where the backward pass begins: the class's row of the weights.

    Case 1: the layer that gives the logits; the score is taken before its own rounding.
    Case 2: a linear layer in front of it: refused.
    """

    def apply(self, backward: Backward, operation: ops.Linear) -> None:
        """Look the row up."""
        if operation.output != backward.program.integers_of(LOGITS):  # Case 2.
            raise ArtifactError(
                f"{operation.output} is a second linear layer, whose gradient has no integer form; "
                "no integer saliency graph can be written for it."
            )
        assert operation.weight_scale is not None
        real = operation.weight.astype(np.float64) * operation.weight_scale[:, None]
        factors = backward.factors_for(operation.input, torch.from_numpy(real.T))
        stored = real / factors
        scale = float(np.abs(stored).max()) / GRADIENT_LEVELS
        table = np.rint(stored / scale).astype(np.int8)
        name = backward.declare(operation.input, (table.shape[1], 1, 1), scale, factors)
        backward.append(ops.ClassRow(CLASS_INDEX_USED, name, table))
        backward.contribute(operation.input, name)
