"""Logits, scores and saliency maps of a torch network, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from train.attribution import method_named
from train.batches import image_batches
from train.quantization import QuantizedNetwork

__all__ = ["Score", "predict_float_saliency", "predict_logits", "predict_saliency", "score"]


@dataclass(frozen=True)
class Score:
    """How well logits fit labels: mean cross entropy, accuracy, mean sensitivity of the classes."""

    loss: float
    accuracy: float
    macro_sensitivity: float


def predict_logits(
    network: Callable[[Tensor], Tensor],
    images: NDArray[np.uint8],
    batch_size: int,
    device: torch.device | None = None,
) -> NDArray[np.float32]:
    """Logits float32 ``[N, C]`` of network bytes uint8 ``[N, H, W, 3]``."""
    with torch.no_grad():
        batches = [
            network(batch).float().cpu() for batch in image_batches(images, batch_size, device)
        ]
    return torch.cat(batches).numpy()


def predict_saliency(
    network: QuantizedNetwork,
    images: NDArray[np.uint8],
    class_index: NDArray[np.int64],
    batch_size: int,
    method: str = "gradient",
) -> NDArray[np.float32]:
    """Maps float32 ``[N, h, w]`` of one class of each image, raw.

    Args:
        network: float or fake-quantised.
        images: uint8 ``[N, H, W, 3]``, network bytes.
        class_index: int64 ``[N]``.
        batch_size: images at a time.
        method: see ``train.attribution.method_named``.
    """
    maps_of = method_named(method)
    classes = torch.split(torch.from_numpy(class_index), batch_size)
    batches = zip(image_batches(images, batch_size), classes, strict=True)
    return torch.cat([maps_of(network, batch, chosen) for batch, chosen in batches]).numpy()


def predict_float_saliency(
    network: QuantizedNetwork,
    images: NDArray[np.uint8],
    class_index: NDArray[np.int64],
    batch_size: int,
    method: str = "gradient",
) -> NDArray[np.float32]:
    """As :func:`predict_saliency`, with the network's quantisation off meanwhile."""
    quantizes, network.quantize = network.quantize, False
    try:
        return predict_saliency(network, images, class_index, batch_size, method)
    finally:
        network.quantize = quantizes


def score(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Score:
    """Compare logits ``[N, C]`` with labels ``[N]``; classes without an image do not count."""
    values = torch.from_numpy(np.asarray(logits, dtype=np.float64))
    loss = torch.nn.functional.cross_entropy(values, torch.from_numpy(labels))
    hit = logits.argmax(axis=1) == labels
    sensitivities = [float(hit[labels == label].mean()) for label in np.unique(labels)]
    return Score(float(loss), float(hit.mean()), float(np.mean(sensitivities)))
