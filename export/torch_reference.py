"""What the fake-quantised network itself gives: logits, and saliency by autograd in torch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export.program import Program
from train.batches import image_batches
from train.quantization import QuantizedNetwork
from train.saliency_guided import input_saliency

__all__ = ["torch_logits", "torch_map"]

_BATCH = 16


def torch_logits(network: QuantizedNetwork, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits float32 ``[N, C]`` of images uint8 ``[N, H, W, 3]``."""
    with torch.no_grad():
        return torch.cat([network(batch) for batch in image_batches(images, _BATCH)]).numpy()


def torch_map(
    network: QuantizedNetwork,
    program: Program,
    mode: str,
    images: NDArray[np.uint8],
    class_index: NDArray[np.int32],
) -> NDArray[np.float32] | None:
    """Saliency of one class of each image, computed without the integer program.

    Args:
        network: quantising.
        program: names the last feature map.
        mode: ``gradient`` (straight-through, float32) or ``cam``.
        images: uint8 ``[N, H, W, 3]``.
        class_index: int32 ``[N]``, no -1 among them.

    Returns:
        float32 ``[N, h, w]``; None for a class activation map whose feature map comes from no site
        of its own (a pooling in front of the global one), where torch has nothing to compare with.
    """
    classes = torch.split(torch.from_numpy(class_index.astype(np.int64)), _BATCH)
    batches = zip(image_batches(images, _BATCH), classes, strict=True)
    if mode == "gradient":
        maps = [input_saliency(network, batch, chosen)[1].detach() for batch, chosen in batches]
        return torch.cat(maps).numpy()
    weight = network.layer_of(network.graph.logits.name).weight.detach()
    shape = program.tensors[program.last_map].shape
    found = []
    for batch, chosen in batches:
        features = _last_map(network, program.last_map, batch)
        if tuple(features.shape[1:]) != shape:
            return None
        found.append(torch.einsum("nkhw,nk->nhw", features, weight[chosen]))
    return torch.cat(found).numpy()


def _last_map(network: QuantizedNetwork, node: str, batch: Tensor) -> Tensor:
    """The fake-quantised output of the last site call of ``node``, ``[N, K, h, w]`` real values."""
    kept: list[Tensor] = []
    site = network.site_of(node)

    def keep(_site: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        kept.append(output)

    hook = site.register_forward_hook(keep)
    try:
        with torch.no_grad():
            network(batch)
    finally:
        hook.remove()
    return kept[-1] * site.scale
