"""The network graph while it is being captured: the nodes, weights and aliases so far."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from train.quantization.fx_nodes import FxNode, unsupported
from train.quantization.graph import INPUT, NetworkGraph, Node

__all__ = ["Parameters", "PartialGraph"]

Parameters = dict[str, Tensor]
# Anything else hands on integers of a site, and the image has none.
_TAKE_THE_IMAGE = ("conv2d", "linear", "add")


class PartialGraph:
    """What the handlers of the ATen operations write into.

    Attributes:
        nodes: captured nodes by name, in execution order.
        parameters: ``<node>.weight`` and ``<node>.bias``, float32.
        alias: ATen node to the name of the captured node that stands for its output.
        padding: ATen node of a zero pad to what it pads and ``[top, bottom, left, right]``; the
            convolution behind it takes both.
    """

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        """Take the weights and buffers of the exported program by placeholder."""
        self.nodes: dict[str, Node] = {}
        self.parameters: Parameters = {}
        self.alias: dict[FxNode, str] = {}
        self.padding: dict[FxNode, tuple[FxNode, list[int]]] = {}
        self._tensors = tensors

    def add(
        self,
        fx_node: FxNode,
        name: str,
        operation: str,
        inputs: tuple[str, ...],
        attributes: dict[str, Any],
    ) -> str:
        """Add a node and give its name, which is made unique.

        Raises:
            ArtifactError: the operation cannot take the image itself.
        """
        if INPUT in inputs and operation not in _TAKE_THE_IMAGE:
            raise unsupported(
                fx_node, "the image itself can only enter a convolution, a linear layer or a sum"
            )
        unique, count = name, 1
        while unique in self.nodes:
            count += 1
            unique = f"{name}_{count}"
        shape = tuple(int(size) for size in fx_node.meta["val"].shape[1:])
        self.nodes[unique] = Node(unique, operation, inputs, attributes, shape=shape)
        self.alias[fx_node] = unique
        return unique

    def add_parameters(self, name: str, weight: Tensor, bias: FxNode | None) -> None:
        """Keep the weight and the bias of a node; zeros where it has no bias."""
        self.parameters[f"{name}.weight"] = weight
        self.parameters[f"{name}.bias"] = (
            self.tensor(bias) if bias is not None else torch.zeros(weight.shape[0])
        )

    def add_channel_layer(self, fx_node: FxNode, name: str, scale: Tensor, shift: Tensor) -> str:
        """Add a depthwise 1 x 1 convolution: ``scale * x + shift`` for each channel ``[C]``."""
        source = self.source(fx_node.args[0])
        if len(self.nodes[source].shape) != 3:
            raise unsupported(fx_node, "on flat features it must follow a linear layer of its own")
        attributes = {
            "stride": [1, 1],
            "padding": [0, 0, 0, 0],
            "dilation": [1, 1],
            "groups": len(scale),
        }
        unique = self.add(fx_node, name, "conv2d", (source,), attributes)
        self.parameters[f"{unique}.weight"] = scale.reshape(-1, 1, 1, 1).clone()
        self.parameters[f"{unique}.bias"] = shift
        return unique

    def source(self, fx_node: FxNode) -> str:
        """The captured node that stands for an argument.

        Raises:
            ArtifactError: it is a pad that no convolution takes, or a weight.
        """
        if fx_node in self.padding:
            raise unsupported(fx_node, "padding is only understood in front of a convolution")
        if fx_node not in self.alias:
            raise unsupported(fx_node, "a weight can only enter a layer")
        return self.alias[fx_node]

    def tensor(self, fx_node: FxNode) -> Tensor:
        """A copy of a weight or buffer, float32.

        Raises:
            ArtifactError: the argument is computed in the graph.
        """
        if not isinstance(fx_node, torch.fx.Node) or fx_node.name not in self._tensors:
            raise unsupported(fx_node, "its weight is computed in the graph")
        return self._tensors[fx_node.name].detach().to(torch.float32).clone()

    def finish(self, output: str) -> tuple[NetworkGraph, Parameters]:
        """The graph of the nodes that ``output`` needs, and their parameters."""
        needed, stack = {INPUT}, [output]
        while stack:
            name = stack.pop()
            if name not in needed:
                needed.add(name)
                stack.extend(self.nodes[name].inputs)
        graph = NetworkGraph(tuple(node for node in self.nodes.values() if node.name in needed))
        return graph, {
            name: tensor
            for name, tensor in self.parameters.items()
            if name.rpartition(".")[0] in needed
        }
