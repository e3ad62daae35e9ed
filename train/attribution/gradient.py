"""The gradient of the class score, the map that the exported graphs give."""

from __future__ import annotations

from torch import Tensor

from train.guidance import input_saliency
from train.quantization import QuantizedNetwork

__all__ = ["gradient"]


def gradient(network: QuantizedNetwork, image: Tensor, class_index: Tensor) -> Tensor:
    """|d logit / d byte|, the maximum over channels.

    Source: Simonyan et al., Deep Inside Convolutional Networks, arXiv 1312.6034, section 3.1.

    Args:
        network: float or fake-quantised (straight-through then).
        image: float32 ``[N, 3, H, W]``, byte values.
        class_index: int64 ``[N]``.

    Returns:
        float32 ``[N, H, W]``, not negative.
    """
    return input_saliency(network, image, class_index)[1].detach()
