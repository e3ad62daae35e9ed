"""Lower a trained network to an integer program (or to a float one, for the reference files)."""

from __future__ import annotations

import math

import numpy as np
import torch

from export import operations as ops
from export.program import FEATURES, IMAGE, LOGITS, Operation, Program, ProgramTensor
from train.quantization import Node, QuantizedNetwork
from train.quantization.fake_quantize import activation_levels, lowest_level

__all__ = ["lower", "lower_float"]

_NATIVE_CLIP = {"relu": math.inf, "relu6": 6.0, "relu1": 1.0}


def lower(network: QuantizedNetwork) -> Program:
    """The integer program of a calibrated network, with the learned ranges.

    Args:
        network: quantising.

    Returns:
        A program from ``image`` to ``logits`` and ``features``.
    """
    return _Lowering(network, integer=True).run()


def lower_float(network: QuantizedNetwork) -> Program:
    """The same network with its native activations and unquantised weights."""
    return _Lowering(network, integer=False).run()


class _Lowering:
    def __init__(self, network: QuantizedNetwork, *, integer: bool) -> None:
        self.network, self.graph, self.integer = network, network.graph, integer
        self.tensors: dict[str, ProgramTensor] = {}
        self.operations: list[Operation] = []

    def run(self) -> Program:
        image = self.graph.image
        config = self.network.config
        self.tensors[IMAGE] = ProgramTensor(
            IMAGE,
            image.shape,
            scale=float(np.float32(1.0 / config.input_std)),
            zero_point=config.input_mean,
        )
        last_map = ""
        for node in self.graph.nodes[1:]:
            self.tensors[node.name] = self._spec(node)
            self.operations.append(self._operation(node))
            if node.operation == "global_avg_pool":
                last_map = node.inputs[0]
        outputs = {
            LOGITS: self._output(LOGITS, self.graph.logits.name),
            FEATURES: self._output(FEATURES, self.graph.features.name),
        }
        return Program(self.tensors, tuple(self.operations), outputs, last_map)

    def _output(self, name: str, source: str) -> str:
        """A float output; an integer tensor is dequantised into it."""
        if not self.integer:
            return source
        self.tensors[name] = ProgramTensor(name, self.tensors[source].shape)
        self.operations.append(ops.Dequantize(source, name))
        return name

    def _spec(self, node: Node) -> ProgramTensor:
        if not self.integer:
            clip = _NATIVE_CLIP.get(node.activation)
            return ProgramTensor(node.name, node.shape, native_clip=clip)
        site = self.network.site_of(node.name)
        levels = activation_levels(site.bits, site.signed)
        scale = site.scale.item()
        # A ReLU that enters a signed, shared site still may not go below zero.
        rectified = not site.signed or node.activation != "none"
        return ProgramTensor(
            node.name,
            node.shape,
            scale=scale,
            signed=site.signed,
            low=0 if rectified else lowest_level(site.bits, site.signed),
            high=levels,
        )

    def _operation(self, node: Node) -> Operation:
        source = node.inputs[0]
        attributes = node.attributes
        match node.operation:
            case "conv2d":
                return ops.Conv(
                    source,
                    node.name,
                    node.name,
                    *self._weights(node),
                    stride=tuple(attributes["stride"]),
                    padding=tuple(attributes["padding"]),
                    dilation=tuple(attributes["dilation"]),
                    groups=attributes["groups"],
                )
            case "linear":
                return ops.Linear(source, node.name, node.name, *self._weights(node))
            case "add":
                return ops.Add(source, node.inputs[1], node.name)
            case "mul":
                return ops.Mul(source, node.inputs[1], node.name)
            case "concat":
                return ops.Concat(node.inputs, node.name)
            case "global_avg_pool":
                return ops.GlobalAvgPool(source, node.name)
            case "flatten":
                return ops.Flatten(source, node.name)
        pool = ops.MaxPool if node.operation == "max_pool2d" else ops.AvgPool
        return pool(
            source,
            node.name,
            kernel=tuple(attributes["kernel"]),
            stride=tuple(attributes["stride"]),
            padding=tuple(attributes["padding"]),
        )

    def _weights(self, node: Node) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """Weight, scale and bias in the contract's integers."""
        layer = self.network.layer_of(node.name)
        weight, bias = layer.weight.detach(), layer.bias.detach()
        if not self.integer:
            return weight.contiguous().numpy().copy(), None, bias.numpy().copy()
        input_scale = self.tensors[node.inputs[0]].scale
        assert input_scale is not None
        found = layer.integers(bias.new_tensor(input_scale))
        integers = found.weight.detach().to(torch.int8).contiguous().numpy()
        bias_integers = found.bias.detach().double().numpy()
        limit = float(2**31 - 1)
        return integers, found.scale.numpy(), np.clip(bias_integers, -limit, limit).astype(np.int32)
