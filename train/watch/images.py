"""A few fixed validation images that every epoch's saliency and masked answers are measured on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from edge_runtime.metrics import rank_correlation
from train.batches import to_tensor
from train.data.augment import keyed_generator
from train.data.overlays import field_of_view, shared_overlays
from train.guidance import (
    Guidance,
    below_threshold,
    bottom_k,
    input_saliency,
    masked_divergence,
    masked_image,
    smoothed,
)
from train.preparation import PreparedData
from train.quantization import QuantizedNetwork

__all__ = ["WatchFigures", "WatchImages", "moved", "steadiness"]

# Enough to see a failure, few enough to cost next to nothing beside an epoch.
_IMAGES = 32
_AT_ONCE = 16
# Pixels at the edges, where padding and not the picture decides.
_BORDER = 4


@dataclass(frozen=True)
class WatchFigures:
    """What was measured of one network; shares are from 0 to 1.

    Attributes:
        agreement: share of the images whose top class survives the masking.
        divergence: KL(clean || masked), mean, in nats.
        steadiness: whether the saliency maps follow the picture, see :func:`steadiness`.
        outside: share of the saliency outside the field of view; None if that is the whole picture.
        overlay: share of the saliency on an overlay that tells the image's class; None without any.
    """

    agreement: float
    divergence: float
    steadiness: float
    outside: float | None
    overlay: float | None


class WatchImages:
    """The images, what is masked with, and the regions where no finding can be.

    The regions come from the training part alone, never from lesion masks.

    Attributes:
        outside_area: share of the pixels outside the field of view.
        overlay_area: share of the pixels on an overlay, mean over the images that have one.
    """

    def __init__(self, data: PreparedData, seed: int, device: torch.device) -> None:
        chosen = keyed_generator(seed, "watch").permutation(len(data.val_labels))[:_IMAGES]
        self._images = data.val.images[chosen]
        self._labels = data.val_labels[chosen]
        self._noise = keyed_generator(seed, "watch noise").integers(
            0, 256, self._images.shape, dtype=np.uint8
        )
        self._device = device
        self._outside = ~field_of_view(data.train.images)
        groups = [sample.group for sample in data.train.samples]
        overlays = shared_overlays(data.train.images, data.train_labels, groups=groups)
        self._overlay = overlays[self._labels]
        self.outside_area = float(self._outside.mean())
        areas = self._overlay.mean(axis=(1, 2))
        self.overlay_area = float(areas[areas > 0].mean()) if areas.any() else 0.0

    def measure(self, network: QuantizedNetwork, guidance: Guidance) -> WatchFigures:
        """Measure a network in evaluation mode, float or quantised as it is.

        Args:
            network: it is left as it was.
            guidance: how images are masked.
        """
        maps, maps_of_moved, agreements, divergences = [], [], [], []
        for start in range(0, len(self._images), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            image = to_tensor(self._images[rows], self._device)
            noise = to_tensor(self._noise[rows], self._device) / 255
            label = torch.from_numpy(self._labels[rows]).to(self._device)
            clean, saliency = input_saliency(network, image, label)
            clean, saliency = clean.detach(), saliency.detach()
            order = smoothed(saliency, guidance.smoothing)
            if guidance.threshold == "adaptive":
                mask = below_threshold(order, guidance.epsilon)
            else:
                mask = bottom_k(order, guidance.k)
            with torch.no_grad():
                masked = network(masked_image(image, mask, guidance.fill, noise))
                divergences.append(float(masked_divergence(clean, masked)) * len(label))
            agreements.append((clean.argmax(dim=1) == masked.argmax(dim=1)).cpu().numpy())
            maps.append(saliency.float().cpu().numpy())
            shifted = to_tensor(moved(self._images[rows]), self._device)
            _, saliency = input_saliency(network, shifted, label)
            maps_of_moved.append(saliency.detach().float().cpu().numpy())
        found = np.concatenate(maps).astype(np.float64)
        return WatchFigures(
            agreement=float(np.concatenate(agreements).mean()),
            divergence=sum(divergences) / len(self._images),
            steadiness=steadiness(found, np.concatenate(maps_of_moved).astype(np.float64)),
            outside=_share_in(found, np.broadcast_to(self._outside, found.shape)),
            overlay=_share_in(found, self._overlay),
        )


def moved(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The images ``[N, H, W, 3]`` moved right by a pixel; the column at the edge is repeated."""
    return np.concatenate([images[:, :, :1], images[:, :, :-1]], axis=2)


def steadiness(maps: NDArray[np.float64], of_moved: NDArray[np.float64]) -> float:
    """Whether maps follow the picture: 1 if they move with it, near 0 if they are noise.

    The rank correlation of each map with that of the same picture moved by a pixel, laid over one
    another again, mean over the images. What stays where it is, such as the pattern that strides
    leave in a gradient, and what changes with every bit of the input agrees with nothing; so do the
    maps of a network whose weights are random. How much a map varies does not tell those apart.

    Args:
        maps: ``[N, H, W]``.
        of_moved: maps of :func:`moved` images.

    Returns:
        The mean over the maps that are not constant; NaN without any.
    """
    inner = slice(_BORDER, -_BORDER)
    here = maps[:, inner, _BORDER : -_BORDER - 1]
    there = of_moved[:, inner, _BORDER + 1 : -_BORDER]
    found = [
        rank_correlation(one, other)
        for one, other in zip(here, there, strict=True)
        if np.ptp(one) > 0
    ]
    return float(np.mean(found)) if found else float("nan")


def _share_in(maps: NDArray[np.float64], regions: NDArray[np.bool_]) -> float | None:
    """Share of each map's sum inside its region, mean over those that have both; None if none."""
    shares = [
        float(one[region].sum() / one.sum())
        for one, region in zip(maps, regions, strict=True)
        if region.any() and one.sum() > 0
    ]
    return float(np.mean(shares)) if shares else None
