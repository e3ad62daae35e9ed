"""Names under which a profiler shows the parts of a training step.

Without a profiler they cost microseconds; ``benchmarks.studies.training_step`` reads them.
"""

from __future__ import annotations

from enum import StrEnum

from torch.profiler import record_function

__all__ = ["Part", "part"]


class Part(StrEnum):
    """Parts of a step, in their order; the backward pass of the loss lies between the last two."""

    CLEAN_PASS = "clean pass"
    SALIENCY = "saliency"
    MASKING = "masking"
    MASKED_PASS = "masked pass"
    UPDATE = "update"


def part(name: Part) -> record_function:
    """What runs inside belongs to this part."""
    return record_function(f"saliedge: {name}")
