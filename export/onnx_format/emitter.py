"""Write a program as an ONNX graph of quantize/dequantize pairs, which ONNX Runtime fuses.

Only standard operators (opset 21) are used. Activations are uint8: unsigned sites from 0, signed
sites around 128. Every integer tensor keeps the name of its network node.
"""

from __future__ import annotations

from export.gains import plan_gains
from export.onnx_format.forward import FORWARD_RULES
from export.onnx_format.graph import OnnxGraph
from export.onnx_format.saliency import SALIENCY_RULES, own_gain
from export.program import Program

__all__ = ["emit_onnx"]

_RULES = FORWARD_RULES | SALIENCY_RULES


def emit_onnx(program: Program) -> bytes:
    """The ONNX file of an integer or float program.

    Args:
        program: from :func:`export.lower.lower`, :func:`export.lower.lower_float` or a saliency
            derivation.

    Returns:
        A serialised model: ``image`` uint8 ``[1, H, W, 3]`` (and ``class_index`` int32 ``[1]``) to
        the program's outputs.
    """
    graph = OnnxGraph(program, plan_gains(program, own_gain))
    for operation in program.operations:
        _RULES[type(operation)](graph, operation)
    return bytes(graph.finish().SerializeToString())
