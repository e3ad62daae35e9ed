"""The forward pass of a captured network: in float, or in the integer steps of the device.

In steps, every tensor between two sites holds integers as float32 and its real value is steps times
scale, so that training rounds where the device rounds. See ``fake_quantize`` for why that is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from train.quantization.convolution import ConvolutionGeometry, convolve
from train.quantization.fake_quantize import BackwardPass
from train.quantization.graph import NetworkGraph, Node
from train.quantization.layer import Layer
from train.quantization.site import Site

__all__ = ["ForwardPass"]


class ForwardPass:
    """Runs a :class:`NetworkGraph` on bytes.

    Args:
        graph: the structure.
        layers: node name to weight and bias.
        sites: node name to the site that its output is quantised at.
        input_mean: the byte that stands for zero.
        input_std: bytes per unit.
        state: the running backward pass of the network.
    """

    def __init__(
        self,
        graph: NetworkGraph,
        layers: Mapping[str, Layer],
        sites: Mapping[str, Site],
        *,
        input_mean: int,
        input_std: float,
        state: BackwardPass,
    ) -> None:
        self._graph, self._layers, self._sites = graph, layers, sites
        self._input_mean, self._input_std, self._state = input_mean, input_std, state
        self._last_reader = {name: node.name for node in graph.nodes for name in node.inputs}

    def run(self, image: Tensor, names: Sequence[str], *, quantize: bool) -> list[Tensor]:
        """The real values behind some nodes, of byte values ``[N, 3, H, W]``."""
        image_name = self._graph.image.name
        pixels = image - self._input_mean
        values = {image_name: pixels if quantize else pixels * self._scale_of(image_name, pixels)}
        kept = {image_name: values[image_name]}
        step = self._in_steps if quantize else self._in_float
        for node in self._graph.nodes[1:]:
            values[node.name] = step(node, [values[name] for name in node.inputs])
            if node.name in names:
                kept[node.name] = values[node.name]
            for name in node.inputs:
                if self._last_reader[name] == node.name:
                    values.pop(name, None)
        if not quantize:
            return [kept[name] for name in names]
        return [kept[name] * self._scale_of(name, pixels) for name in names]

    def _in_float(self, node: Node, inputs: list[Tensor]) -> Tensor:
        if node.has_weights:
            layer = self._layers[node.name]
            x = self._weighted(node, inputs[0], layer.weight, layer.bias)
        elif node.operation == "add":
            x = inputs[0] + inputs[1]
        else:
            x = _unweighted(node, inputs)
        return x if node.hands_on else self._sites[node.name].native(x, node.activation)

    def _in_steps(self, node: Node, inputs: list[Tensor]) -> Tensor:
        if node.hands_on:
            return _unweighted(node, inputs)
        site = self._sites[node.name]
        x, multiplier = self._accumulated(node, inputs)
        # A site shared through a concatenation may be signed though this member is not.
        rectified = F.relu(x) if site.signed and node.activation != "none" else x
        clipped: Tensor = site(rectified, multiplier)
        return clipped

    def _accumulated(self, node: Node, inputs: list[Tensor]) -> tuple[Tensor, Tensor]:
        """A node's sum in integer steps, and the size of those over that of its site's steps.

        Case 1: weights; steps of input scale times weight scale, one multiplier per channel.
        Case 2: a sum; each summand comes in the site's own steps.
        Case 3: a mean; the steps of the input.
        """
        x = inputs[0]
        target = self._sites[node.name].scale
        scales = [self._scale_of(name, x) for name in node.inputs]
        if node.has_weights:
            layer = self._layers[node.name]
            scale = layer.scale()
            bias = layer.bias_steps(scale, scales[0])
            x = self._weighted(node, x, layer.weight_steps(scale), bias)
            multiplier = scales[0] * scale / target
            return x, multiplier.reshape(1, -1, *[1] * (x.dim() - 2))
        if node.operation == "add":
            summands = [
                value * (scale / target) for value, scale in zip(inputs, scales, strict=True)
            ]
            return summands[0] + summands[1], torch.ones_like(target)
        return _unweighted(node, inputs), scales[0] / target

    def _weighted(self, node: Node, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        if node.operation == "linear":
            return F.linear(x, weight, bias)
        top, bottom, left, right = node.attributes["padding"]
        if (top, left) != (bottom, right):
            x, top, left = _pad(x, node.attributes["padding"], value=0.0), 0, 0
        geometry = ConvolutionGeometry(
            stride=tuple(node.attributes["stride"]),
            padding=(top, left),
            dilation=tuple(node.attributes["dilation"]),
            groups=node.attributes["groups"],
        )
        return convolve(x, weight, bias, geometry, self._state)

    def _scale_of(self, node: str, like: Tensor) -> Tensor:
        """The real value of one step of the output of ``node``, float32 where ``like`` is."""
        if node == self._graph.image.name:
            return like.new_tensor(1 / self._input_std)
        return self._sites[node].scale


def _unweighted(node: Node, inputs: list[Tensor]) -> Tensor:
    """What is the same in float and in steps."""
    x, attributes = inputs[0], node.attributes
    match node.operation:
        case "concat":
            return torch.cat(inputs, dim=1)
        case "global_avg_pool":
            return x.mean(dim=(2, 3), keepdim=True)
        case "flatten":
            return x.flatten(1)
        case "max_pool2d":
            # What comes in is at least 0, or its padding may not win: pad below everything.
            padded = _pad(x, attributes["padding"], value=float("-inf"))
            return F.max_pool2d(padded, attributes["kernel"], attributes["stride"])
        case "avg_pool2d":
            return F.avg_pool2d(x, attributes["kernel"], attributes["stride"])
    raise AssertionError(node.operation)


def _pad(x: Tensor, padding: list[int], *, value: float) -> Tensor:
    top, bottom, left, right = padding
    return F.pad(x, (left, right, top, bottom), value=value) if any(padding) else x
