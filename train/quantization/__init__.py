"""The quantised network: captured from any traceable model, trained with PACT, saved without code.

A model is captured once as a :class:`NetworkGraph` (batch norm folded, activations absorbed by
their quantisation sites). The same graph is trained, evaluated, lowered to integers and explained,
so that no stage sees another network than the one before it.
"""

from __future__ import annotations

from train.quantization.capture import capture
from train.quantization.checkpoint import load_network, save_network
from train.quantization.config import QuantizationConfig
from train.quantization.graph import NetworkGraph, Node
from train.quantization.network import QuantizedNetwork

__all__ = [
    "NetworkGraph",
    "Node",
    "QuantizationConfig",
    "QuantizedNetwork",
    "capture",
    "load_network",
    "save_network",
]
