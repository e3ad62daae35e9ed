"""The backward pass: one rule after the other, from the logits to the tensor of interest."""

from __future__ import annotations

from edge_runtime.errors import ArtifactError
from export import operations as ops
from export.gradient.backward import Backward
from export.gradient.normalization import normalize
from export.gradient.rules import RULES
from export.program import CLASS_INDEX_USED, LOGITS, SALIENCY, Program, ProgramTensor

__all__ = ["derive"]


def derive(backward: Backward) -> Program:
    """Write the gradient of the class score for ``backward.target`` behind the program.

    Raises:
        ArtifactError: an operation on the way has no rule, or its rule cannot be written.
    """
    program = backward.program
    logits = program.integers_of(LOGITS)
    backward.add_tensor(ProgramTensor(CLASS_INDEX_USED, (1,)))
    backward.append(ops.TopClass(logits, CLASS_INDEX_USED))
    for operation in reversed(backward.operations_behind_target()):
        if isinstance(operation, ops.Dequantize):
            continue
        rule = RULES.get(type(operation))
        if rule is None:
            raise ArtifactError(
                f"{type(operation).__name__} ({operation.output}) has no integer gradient; "
                "the bundle is written without a gradient graph."
            )
        normalize(backward, operation.output)
        rule.apply(backward, operation)
        backward.drop_consumed(operation.output)
    gradient = backward.full_gradient_of(backward.target)
    backward.add_tensor(ProgramTensor(SALIENCY, program.tensors[backward.target].shape[1:]))
    backward.append(ops.SaliencyMagnitude(gradient, SALIENCY, tuple(backward.rescaled)))
    return backward.extended()
