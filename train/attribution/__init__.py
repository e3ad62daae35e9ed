"""Saliency maps of a network in torch, one method per file.

Every method takes the network, a batch of images float32 ``[N, 3, H, W]`` (byte values) and the
class to explain, int64 ``[N]``, and gives maps float32 ``[N, h, w]`` without a graph.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from train.attribution.class_activation import class_activation
from train.attribution.early_gradient import early_gradient
from train.attribution.early_map import early_map_of
from train.attribution.gradient import gradient
from train.attribution.input_gradient import gradient_times_input
from train.attribution.places import places_of
from train.attribution.smooth_grad import smooth_grad
from train.quantization import QuantizedNetwork

__all__ = [
    "METHODS",
    "class_activation",
    "early_gradient",
    "early_map_of",
    "gradient",
    "gradient_times_input",
    "places_of",
    "smooth_grad",
]

METHODS: dict[str, Callable[[QuantizedNetwork, Tensor, Tensor], Tensor]] = {
    "gradient": gradient,
    "gradient-early": early_gradient,
    "cam": class_activation,
    "smoothgrad": smooth_grad,
    "gradient-x-input": gradient_times_input,
}
"""Name of a method on the command line -> the method."""
