"""Initial clip values from real activations."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from edge_runtime.errors import DataError
from train.quantization.fake_quantize import activation_levels

__all__ = ["RANGE_METHODS", "RangeMethod", "RangeObserver"]

RangeMethod = Literal["auto", "percentile", "mse"]
RANGE_METHODS: tuple[RangeMethod, ...] = ("auto", "percentile", "mse")
_SAMPLES_PER_BATCH = 16384
_SMALLEST_ALPHA = 1e-3


class RangeObserver:
    """Collects a fixed-size sample of magnitudes, batch by batch, and proposes an alpha."""

    def __init__(self) -> None:
        self._samples: list[Tensor] = []
        self._largest = 0.0

    def observe(self, values: Tensor) -> None:
        """Take an evenly spaced sample of ``|values|`` (float32, any shape) and the maximum."""
        flat = values.detach().reshape(-1).abs()
        step = max(1, math.ceil(flat.numel() / _SAMPLES_PER_BATCH))
        self._samples.append(flat[::step].clone())
        self._largest = max(self._largest, float(flat.max()))

    def alpha(self, method: RangeMethod, percentile: float, bits: int, signed: bool) -> float:
        """The clip value.

        Args:
            method: ``percentile`` of the magnitudes (zeros left out); ``mse``, the candidate with
                the least mean squared error after k-bit quantisation of the sample; or ``auto``,
                which is ``percentile`` at 8 bit and ``mse`` below, where the few levels have to be
                spent on the bulk.
            percentile: in percent.
            bits: width k.
            signed: whether the site keeps negative values, for ``mse``.

        Raises:
            DataError: nothing was observed, or the activations are not finite.
        """
        if not self._samples:
            raise DataError("no image was given to calibrate the ranges with; give at least one.")
        sample = torch.cat(self._samples)
        if not torch.isfinite(sample).all():
            raise DataError(
                "the network gives NaN or infinite activations; train it again with a lower "
                "learning rate."
            )
        live = sample[sample > 0]
        if live.numel() == 0:
            return _SMALLEST_ALPHA
        if method == "percentile" or (method == "auto" and bits == 8):
            position = min(live.numel() - 1, int(percentile / 100 * live.numel()))
            found = float(live.sort().values[position])
        else:
            found = _least_squared_error(sample, self._largest, activation_levels(bits, signed))
        return max(found, _SMALLEST_ALPHA)


def _least_squared_error(sample: Tensor, largest: float, levels: int) -> float:
    """Try 100 clip values from 1 % to 100 % of the largest magnitude."""
    best, best_error = largest, math.inf
    for step in range(1, 101):
        alpha = largest * step / 100
        scale = alpha / levels
        rounded = torch.round(sample / scale).clamp_(max=levels) * scale
        error = float(torch.mean((rounded - sample) ** 2))
        if error < best_error:
            best, best_error = alpha, error
    return best
