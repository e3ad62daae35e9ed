"""Bringing the gradients of all images to one size, as a floating point format would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from export import operations as ops
from export.gradient.backward import Backward, by_channel
from export.gradient.ranges import best_scale, factor_table, spread_of_images
from export.program import ProgramTensor

__all__ = ["normalize"]

# Images whose gradients differ more than this in size are brought to one, where that costs little:
# in a tensor of at most this share of all elements.
_LARGEST_SPREAD = 2.5
_CHEAP_SHARE = 1 / 64


def normalize(backward: Backward, tensor: str) -> None:
    """Rescale the gradient of ``tensor`` by its own peak, image by image.

    Only where nothing else is under way, since what a sum joins must have one factor, and only
    in a small tensor, since it is one more pass.
    """
    if not _is_small_junction(backward, tensor):
        return
    gradient = backward.gradient_of(tensor)
    backward.contributions[tensor] = [gradient]
    if spread_of_images(backward.real(gradient)) < _LARGEST_SPREAD:
        return
    peak = f"normalize/{tensor}/peak"
    backward.add_tensor(ProgramTensor(peak, (1,)))
    backward.append(ops.Peak(gradient, peak))
    rescale = ops.Rescale(gradient, peak, "", factor_table())
    rescaled = backward.real(gradient) * rescale.factor(backward.values)[:, None, None, None]
    factors = backward.factors[gradient]
    scale = best_scale(by_channel(rescaled), factors)
    shape = backward.spec(gradient).shape
    name = backward.declare(f"{tensor}/normalized", shape, scale, factors)
    backward.rescaled.append(replace(rescale, output=name))
    backward.contributions[tensor] = [backward.append(backward.rescaled[-1])]


def _is_small_junction(backward: Backward, tensor: str) -> bool:
    """Whether the whole gradient passes through ``tensor``, cell by cell, in few values."""
    shape = backward.program.tensors[tensor].shape
    cheap = backward.element_count * _CHEAP_SHARE
    if set(backward.contributions) != {tensor} or int(np.prod(shape)) > cheap:
        return False
    return all(backward.spec(part).shape == shape for part in backward.contributions[tensor])
