"""Occlusion: how far the class's logit falls when a place is covered. It needs no gradient at all.

Source: Zeiler and Fergus, arXiv 1311.2901, section 4.2, with the logit in place of the probability.
A square of an eighth of the side slides over the picture in steps of half its own side; it has the
picture's mean colour. A pixel gets the mean fall of all squares that cover it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from train.quantization import QuantizedNetwork

__all__ = ["occlusion", "occlusion_map"]

_SIDE_SHARE = 8
_BATCH = 32
Logits = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def occlusion(network: QuantizedNetwork, image: Tensor, class_index: Tensor) -> Tensor:
    """The map of each image of a batch by a network in torch.

    Args:
        network: float or fake-quantised.
        image: float32 ``[N, 3, H, W]``, byte values.
        class_index: int64 ``[N]``.

    Returns:
        float32 ``[N, H, W]``, in logits; negative where a place speaks against the class.
    """

    def logits(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        batches = torch.split(torch.from_numpy(images).permute(0, 3, 1, 2).float(), _BATCH)
        with torch.no_grad():
            return torch.cat([network(batch.to(image.device)).cpu() for batch in batches]).numpy()

    pictures = image.detach().cpu().byte().permute(0, 2, 3, 1).numpy()
    maps = [
        occlusion_map(logits, picture, int(chosen))
        for picture, chosen in zip(pictures, class_index, strict=True)
    ]
    return torch.from_numpy(np.stack(maps))


def occlusion_map(
    logits: Logits, image: NDArray[np.uint8], class_index: int
) -> NDArray[np.float32]:
    """The map of one image by whatever classifies.

    Args:
        logits: gives float32 ``[N, C]`` of network bytes uint8 ``[N, H, W, 3]``.
        image: uint8 ``[H, W, 3]``.
        class_index: the class to explain.

    Returns:
        float32 ``[H, W]``, in logits.
    """
    height, width = image.shape[:2]
    side = max(2, round(max(height, width) / _SIDE_SHARE))
    places = [
        (slice(top, top + side), slice(left, left + side))
        for top in _starts(height, side)
        for left in _starts(width, side)
    ]
    copies = np.repeat(image[None], len(places) + 1, axis=0)
    colour = np.rint(image.mean(axis=(0, 1))).astype(np.uint8)
    for copy, place in zip(copies[1:], places, strict=True):
        copy[place] = colour
    found = logits(copies)[:, class_index].astype(np.float64)
    total, covered = np.zeros((height, width)), np.zeros((height, width))
    for place, value in zip(places, found[1:], strict=True):
        total[place] += found[0] - value
        covered[place] += 1
    return (total / covered).astype(np.float32)


def _starts(length: int, side: int) -> list[int]:
    """Where squares begin, the last one at the rim."""
    last = max(0, length - side)
    return [*range(0, last, max(1, side // 2)), last]
