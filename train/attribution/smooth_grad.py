"""The gradient averaged over noisy copies of the image."""

from __future__ import annotations

import torch
from torch import Tensor

from train.attribution.gradient import gradient
from train.quantization import QuantizedNetwork

__all__ = ["smooth_grad"]


def smooth_grad(
    network: QuantizedNetwork,
    image: Tensor,
    class_index: Tensor,
    *,
    copies: int = 8,
    noise_share: float = 0.1,
    seed: int = 0,
) -> Tensor:
    """The mean of :func:`gradient` over ``x + N(0, sigma^2)``.

    Source: Smilkov et al., SmoothGrad, arXiv 1706.03825, section 3 (there 50 copies and 10 to 20 %
    of noise; a few copies give most of the effect).

    Args:
        network: float or fake-quantised.
        image: float32 ``[N, 3, H, W]``, byte values.
        class_index: int64 ``[N]``.
        copies: number of noisy images.
        noise_share: sigma, as a share of the image's own range of values.
        seed: of the noise, so that the map is the same again.

    Returns:
        float32 ``[N, H, W]``, not negative.
    """
    generator = torch.Generator().manual_seed(seed)
    spread = image.amax(dim=(1, 2, 3), keepdim=True) - image.amin(dim=(1, 2, 3), keepdim=True)
    total = image.new_zeros(image.shape[0], *image.shape[2:])
    for _ in range(copies):
        # One noise for all images: the map of an image does not depend on its place in the batch.
        noise = torch.randn((1, *image.shape[1:]), generator=generator).to(image.device)
        total += gradient(network, image + noise_share * spread * noise, class_index)
    return total / copies
