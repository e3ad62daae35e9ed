"""The forward pass of a captured network: in float, or in the integer steps of the device.

In steps, every tensor between two sites holds integers as float32 and its real value is steps times
scale, so that training rounds where the device rounds. See ``fake_quantize`` for why that is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from train.quantization.convolution import Convolution, ConvolutionGeometry, convolve
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

    def run(
        self,
        image: Tensor,
        names: Sequence[str],
        *,
        quantize: bool,
        replace: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
    ) -> list[Tensor]:
        """The real values behind some nodes, of byte values ``[N, 3, H, W]``.

        Args:
            image: byte values.
            names: of nodes.
            quantize: in steps, or in float.
            replace: node to what takes the place of its output, in steps if in steps.
        """
        image_name = self._graph.image.name
        pixels = image - self._input_mean
        values = {image_name: pixels if quantize else pixels * self._scale_of(image_name, pixels)}
        kept = {image_name: values[image_name]}
        step = self._in_steps if quantize else self._in_float
        for node in self._graph.nodes[1:]:
            values[node.name] = step(node, [values[name] for name in node.inputs])
            if replace and node.name in replace:
                values[node.name] = replace[node.name](values[node.name])
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
        elif node.operation == "mul":
            x = inputs[0] * inputs[1]
        else:
            x = _unweighted(node, inputs)
        return x if node.hands_on else self._sites[node.name].native(x, node.activation)

    def _in_steps(self, node: Node, inputs: list[Tensor]) -> Tensor:
        """The integers of a node's output.

        Case 1: max pooling, flattening and joining hand on those of their inputs.
        Case 2: weights; sums in steps of input scale times weight scale, one multiplier for each
            channel.
        Case 3: a sum; each summand comes in the site's own steps.
        Case 4: a product; in the product of the inputs' steps.
        Case 5: a mean; in the steps of the input.
        """
        if node.hands_on:
            return _unweighted(node, inputs)
        site = self._sites[node.name]
        scales = [self._scale_of(name, inputs[0]) for name in node.inputs]
        if node.has_weights:
            layer = self._layers[node.name].integers(scales[0])
            multiplier = scales[0] * layer.scale / site.scale
            if node.operation == "conv2d" and not _rectifies(node, site):
                x, geometry = _padded(node, inputs[0])
                steps: Tensor = site(x, multiplier, Convolution(layer.weight, layer.bias, geometry))
                return steps
            x = self._weighted(node, inputs[0], layer.weight, layer.bias)
            return _quantized(node, site, x, multiplier.reshape(1, -1, *[1] * (x.dim() - 2)))
        if node.operation == "add":
            left, right = (
                value * (scale / site.scale) for value, scale in zip(inputs, scales, strict=True)
            )
            return _quantized(node, site, left + right, None)
        if node.operation == "mul":
            multiplier = scales[0] * scales[1] / site.scale
            return _quantized(node, site, inputs[0] * inputs[1], multiplier)
        return _quantized(node, site, _unweighted(node, inputs), scales[0] / site.scale)

    def _weighted(self, node: Node, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        if node.operation == "linear":
            return F.linear(x, weight, bias)
        x, geometry = _padded(node, x)
        return convolve(x, weight, bias, geometry, self._state)

    def _scale_of(self, node: str, like: Tensor) -> Tensor:
        """The real value of one step of the output of ``node``, float32 where ``like`` is."""
        if node == self._graph.image.name:
            return like.new_tensor(1 / self._input_std)
        return self._sites[node].scale


def _rectifies(node: Node, site: Site) -> bool:
    """Whether a ReLU is not already the site's lower end.

    A site shared through a concatenation may be signed though this member is not.
    """
    return site.signed and node.activation != "none"


def _quantized(node: Node, site: Site, x: Tensor, multiplier: Tensor | None) -> Tensor:
    steps: Tensor = site(_rectified(x, multiplier) if _rectifies(node, site) else x, multiplier)
    return steps


def _rectified(x: Tensor, multiplier: Tensor | None) -> Tensor:
    """ReLU in front of a signed site.

    What will be rounded to zero counts as clipped, as it does at a site that begins there: the
    device can tell by the integer only.
    """
    steps = x.detach() if multiplier is None else x.detach() * multiplier
    return torch.where(steps > 0.5, x, 0)


def _padded(node: Node, x: Tensor) -> tuple[Tensor, ConvolutionGeometry]:
    """What a convolution takes: an asymmetric padding is a copy of its own."""
    top, bottom, left, right = node.attributes["padding"]
    if (top, left) != (bottom, right):
        x, top, left = _pad(x, node.attributes["padding"], value=0.0), 0, 0
    return x, ConvolutionGeometry(
        stride=tuple(node.attributes["stride"]),
        padding=(top, left),
        dilation=tuple(node.attributes["dilation"]),
        groups=node.attributes["groups"],
    )


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
