"""A gradient averaged over noisy copies of the image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from edge_runtime.smooth_grad import COPIES, NOISE_LEVELS, noise
from train.attribution.early_gradient import early_gradient
from train.attribution.gradient import gradient
from train.quantization import QuantizedNetwork

__all__ = ["SMOOTHED", "smooth_early_gradient", "smooth_grad"]

SMOOTHED = {"smoothgrad": "gradient", "smoothgrad-early": "gradient-early"}
"""Name of a method -> name of the one whose maps it averages."""

_Method = Callable[[QuantizedNetwork, Tensor, Tensor], Tensor]


def smooth_grad(
    network: QuantizedNetwork,
    image: Tensor,
    class_index: Tensor,
    *,
    method: _Method = gradient,
    copies: int = COPIES,
    levels: float = NOISE_LEVELS,
) -> Tensor:
    """The mean of a map over ``x + N(0, sigma^2)``, cut to the range of bytes.

    Source: Smilkov et al., SmoothGrad, arXiv 1706.03825, section 3. The noise is that of
    :func:`edge_runtime.smooth_grad.noise`, so that a device and torch see the same copies, and a
    map is the same again.

    Args:
        network: float or fake-quantised.
        image: float32 ``[N, 3, H, W]``, byte values.
        class_index: int64 ``[N]``.
        method: the map that is averaged.
        copies: number of noisy images.
        levels: sigma in grey levels.

    Returns:
        float32 ``[N, h, w]``, not negative.
    """
    drawn = noise(copies, image.shape[2], image.shape[3], levels)
    maps = []
    for moved in torch.tensor(drawn, dtype=image.dtype, device=image.device).permute(0, 3, 1, 2):
        maps.append(method(network, (image + moved).clamp(0, 255), class_index))
    return torch.stack(maps).mean(dim=0)


def smooth_early_gradient(network: QuantizedNetwork, image: Tensor, class_index: Tensor) -> Tensor:
    """:func:`smooth_grad` of the gradient at an early map.

    Raises:
        ArtifactError: the network has no such feature map.
    """
    return smooth_grad(network, image, class_index, method=early_gradient)
