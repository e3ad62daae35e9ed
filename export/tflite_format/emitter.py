"""Write a program as a TFLite graph of integer kernels.

Activations are int8: unsigned sites at zero point -128, signed sites at 0. Tensors are NHWC; flat
tensors stay ``[1, 1, 1, C]`` until they leave the graph, so that the classifier is a 1 x 1
convolution, whose per-channel weights every runtime since 2.3 understands.
"""

from __future__ import annotations

from functools import partial

from export.gains import plan_gains
from export.program import Program
from export.tflite_format.forward import FORWARD_RULES
from export.tflite_format.graph import TfliteGraph
from export.tflite_format.saliency import SALIENCY_RULES, own_gain

__all__ = ["emit_tflite"]

_RULES = FORWARD_RULES | SALIENCY_RULES


def emit_tflite(program: Program) -> bytes:
    """The TFLite file of an integer or float program.

    Args:
        program: from :func:`export.lower.lower`, :func:`export.lower.lower_float` or a saliency
            derivation.

    Returns:
        A flatbuffer: ``image`` uint8 ``[1, H, W, 3]`` (and ``class_index`` int32 ``[1]``) to the
        program's outputs, with the signature ``serving_default``.

    Raises:
        ArtifactError: a stride differs between height and width in a saliency graph.
    """
    graph = TfliteGraph(program, plan_gains(program, partial(own_gain, program)))
    for operation in program.operations:
        _RULES[type(operation)](graph, operation)
    return graph.finish()
