"""The gradient of the class score times the input."""

from __future__ import annotations

import torch
from torch import Tensor

from train.quantization import QuantizedNetwork

__all__ = ["gradient_times_input"]


def gradient_times_input(network: QuantizedNetwork, image: Tensor, class_index: Tensor) -> Tensor:
    """|x d logit / dx|, the maximum over channels, with x = 0 at the network's input mean.

    Source: Shrikumar et al., Not Just a Black Box, arXiv 1605.01713, section 2.1.

    Args:
        network: float or fake-quantised.
        image: float32 ``[N, 3, H, W]``, byte values.
        class_index: int64 ``[N]``.

    Returns:
        float32 ``[N, H, W]``, not negative.
    """
    image = image.detach().requires_grad_(True)
    score = network(image).gather(1, class_index[:, None]).sum()
    with network.input_gradient_only():
        (slope,) = torch.autograd.grad(score, image)
    centred = image.detach() - network.config.input_mean
    return (slope * centred).abs().amax(dim=1)
