"""The gradient of the class score for an early feature map: coarser and cheaper than for pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from train.attribution.early_map import early_map_of
from train.quantization import QuantizedNetwork

__all__ = ["early_gradient"]


def early_gradient(network: QuantizedNetwork, image: Tensor, class_index: Tensor) -> Tensor:
    """|d logit / d feature|, the maximum over channels, at the map of :func:`early_map_of`.

    It is no gradient for pixels: what the layers in front of the map make of them is left out.

    Args:
        network: float or fake-quantised (straight-through then).
        image: float32 ``[N, 3, H, W]``, byte values.
        class_index: int64 ``[N]``.

    Returns:
        float32 ``[N, h, w]``, not negative, in logit per unit of the feature.

    Raises:
        ArtifactError: the network has no such feature map.
    """
    logits, features, scale = network.behind(early_map_of(network), image)
    score = logits.gather(1, class_index[:, None]).sum()
    with network.input_gradient_only():
        (slope,) = torch.autograd.grad(score, features)
    return (slope / scale).abs().amax(dim=1).detach()
