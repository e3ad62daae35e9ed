"""A saliency method: what the class's logit loses where a grey square hides the image."""

from __future__ import annotations

import torch
from torch import Tensor

from train.quantization import QuantizedNetwork

__all__ = ["occlusion"]

_CELLS = 4
_GREY = 127.0


def occlusion(network: QuantizedNetwork, image: Tensor, class_index: Tensor) -> Tensor:
    """Maps float32 ``[N, 4, 4]`` (Zeiler and Fergus, arXiv 1311.2901, section 4.2)."""
    height, width = (side // _CELLS for side in image.shape[2:])
    chosen = class_index[:, None]
    maps = image.new_zeros(len(image), _CELLS, _CELLS)
    with torch.no_grad():
        whole = network(image).gather(1, chosen)[:, 0]
        for row in range(_CELLS):
            for column in range(_CELLS):
                hidden = image.clone()
                top, left = row * height, column * width
                hidden[:, :, top : top + height, left : left + width] = _GREY
                maps[:, row, column] = whole - network(hidden).gather(1, chosen)[:, 0]
    return maps
