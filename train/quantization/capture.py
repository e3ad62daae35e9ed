"""Capture a torch model as a :class:`NetworkGraph`, batch norm folded and activations absorbed."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edge_runtime.errors import ArtifactError
from train.quantization.fx_nodes import base_name, unsupported
from train.quantization.graph import INPUT, NetworkGraph
from train.quantization.operators import HANDLERS
from train.quantization.partial_graph import Parameters, PartialGraph

__all__ = ["capture"]


def capture(model: nn.Module, example: Tensor) -> tuple[NetworkGraph, Parameters]:
    """Trace ``model`` in evaluation mode and give its structure and its folded weights.

    Args:
        model: any module that ``torch.export`` can trace, from a normalised image to logits.
        example: float32 ``[1, 3, H, W]``, the size that the network will be used at.

    Returns:
        The graph, and the tensors ``<node>.weight`` (conv2d ``[O, I/groups, kh, kw]``, linear
        ``[O, I]``) and ``<node>.bias`` ``[O]``, float32.

    Raises:
        ArtifactError: the model cannot be traced or holds an operation that has no integer form;
            the sentence names the operation, its module and its source line.
    """
    was_training = model.training
    model.eval()
    try:
        program = torch.export.export(model, (example,))
    except Exception as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error)
        raise ArtifactError(
            f"{type(model).__name__} cannot be traced by torch.export ({first_line}); "
            "remove data-dependent control flow from its forward."
        ) from error
    finally:
        model.train(was_training)
    return _walk(program)


def _walk(program: torch.export.ExportedProgram) -> tuple[NetworkGraph, Parameters]:
    """Visit the nodes of the ATen graph in order."""
    tensors = _tensors_by_placeholder(program)
    captured = PartialGraph(tensors)
    output = ""
    for fx_node in program.graph.nodes:
        if fx_node.op == "placeholder" and fx_node.name not in tensors:
            captured.add(fx_node, INPUT, "input", (), {})
        elif fx_node.op == "call_function":
            handler = HANDLERS.get(base_name(fx_node))
            if handler is None:
                raise unsupported(fx_node, "it has no integer form")
            handler(captured, fx_node)
        elif fx_node.op == "output":
            results = fx_node.args[0]
            if len(results) != 1:
                raise ArtifactError(
                    f"the network gives {len(results)} tensors; it must return the logits alone."
                )
            output = captured.source(results[0])
    return captured.finish(output)


def _tensors_by_placeholder(program: torch.export.ExportedProgram) -> dict[str, Tensor]:
    signature = program.graph_signature
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    tensors = {**program.state_dict, **program.constants}
    return {placeholder: tensors[name] for placeholder, name in names.items()}
