"""Post-training quantisation of a float network: what learned ranges have to beat.

Two ways to choose the ranges, neither of which sees a label:

1. ``percentile``: an activation's clip is the 99.99th percentile, a weight's grid ends at the
   channel's largest magnitude. The common default.
2. ``mse``: the end of every range is the one of least squared rounding error on real activations,
   and for the weights of each output channel likewise.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from train.quantization import QuantizationConfig, QuantizedNetwork
from train.study.matrix import Ranges

__all__ = ["clip_to_least_error", "quantize_after_training"]

_CANDIDATES = 80
_SMALLEST_SHARE = 0.2


def quantize_after_training(
    network: QuantizedNetwork,
    config: QuantizationConfig,
    batches: Iterable[Tensor],
    ranges: Ranges,
) -> QuantizedNetwork:
    """The network at the widths of ``config``, quantising.

    Args:
        network: in float.
        config: widths; the ``max`` weight quantiser.
        batches: float32 ``[N, 3, H, W]`` byte values of training images.
        ranges: see above.
    """
    quantized = network.requantized(config)
    quantized.calibrate(batches, method=ranges)
    if ranges == "mse":
        for name in quantized.layers:
            layer = quantized.layer_of(name)
            clip_to_least_error(layer.weight, layer.bits)
    quantized.quantize = True
    return quantized.eval()


@torch.no_grad()
def clip_to_least_error(weight: Tensor, bits: int) -> None:
    """Clip each output channel of ``weight`` ``[O, ...]`` in place.

    The grid of the ``max`` quantiser then ends at the clip, which is the one of 80 between a fifth
    and all of the channel's largest magnitude with the least squared rounding error.
    """
    values = weight.reshape(len(weight), -1)
    largest = values.abs().amax(dim=1, keepdim=True).clamp_min(1e-12)
    levels = 2 ** (bits - 1) - 1
    best = largest.clone()
    least = torch.full_like(largest, float("inf"))
    for step in range(_CANDIDATES, 0, -1):
        share = _SMALLEST_SHARE + (1 - _SMALLEST_SHARE) * step / _CANDIDATES
        end = largest * share
        rounded = (values / end * levels).round().clamp(-levels, levels) * end / levels
        error = (rounded - values).square().sum(dim=1, keepdim=True)
        best = torch.where(error < least, end, best)
        least = torch.minimum(error, least)
    weight.copy_(values.clamp(-best, best).reshape(weight.shape))
