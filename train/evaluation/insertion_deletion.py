"""Insertion and deletion curves of a target, beside those of orders that do not see the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import softmax
from edge_runtime.map_grid import MapGrid
from edge_runtime.metrics import (
    Interval,
    area_under_curve,
    bootstrap_mean,
    deletion_steps,
    insertion_steps,
    pixel_order,
)
from train.evaluation.localization import centred_gaussian
from train.evaluation.maps import SMOOTHING, Maps, on_pixels, smoothed
from train.evaluation.targets import Advance, Target

__all__ = ["STEPS", "InsertionDeletionRow", "insertion_deletion"]

STEPS = 16
Curve = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class InsertionDeletionRow:
    """Curves of one order of the pixels.

    Attributes:
        map: what gave the order: the network's map, or a blind guess.
        count: number of images.
        insertion: mean area under the insertion curve; higher is better.
        deletion: mean area under the deletion curve; lower is better.
        insertion_curve: float64 ``[STEPS + 1]``, mean probability of each image's own class over
            the share of pixels that were put back.
        deletion_curve: the same over the share that was taken away.
    """

    map: str
    count: int
    insertion: Interval
    deletion: Interval
    insertion_curve: Curve
    deletion_curve: Curve

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "map": self.map,
            "count": self.count,
            "insertion": self.insertion.to_json(),
            "deletion": self.deletion.to_json(),
            "insertion_curve": [round(float(value), 6) for value in self.insertion_curve],
            "deletion_curve": [round(float(value), 6) for value in self.deletion_curve],
        }


def insertion_deletion(
    target: Target,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    maps: Mapping[str, Maps],
    advance: Advance,
    grids: Mapping[str, MapGrid] | None = None,
) -> list[InsertionDeletionRow]:
    """Measure the calibrated probability of each image's class as its pixels come and go.

    Pixels that go one by one here and there destroy the texture of a picture whatever they show, so
    that a random order deletes well. Maps of pixels are therefore measured twice: as they are, and
    with their box mean as in the pointing game, whose order goes by places.

    Args:
        target: what is asked.
        images: uint8 ``[N, H, W, 3]``.
        labels: int64 ``[N]``, the class that the maps explain and whose probability is taken.
        groups: N names.
        maps: name to raw maps ``[N, h, w]``.
        advance: called with the number of images done.
        grids: name to where the cells of a coarse map lie; evenly where there is none.
    """
    size = images.shape[1], images.shape[2]
    orders = {}
    for name, values in maps.items():
        orders[name] = on_pixels(values, size, (grids or {}).get(name))
        if values.shape[1:] == size:
            orders[f"{name}, {SMOOTHING} x {SMOOTHING} mean"] = smoothed(values)
    flat = np.zeros((len(images), *size), np.float32)
    orders["blind: Gaussian order"] = flat + centred_gaussian(*size).astype(np.float32)
    orders["blind: random order"] = flat
    curves = np.empty((len(images), len(orders), 2, STEPS + 1))
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        shown = [
            change(image, pixel_order(values[index], seed=index), STEPS)
            for values in orders.values()
            for change in (insertion_steps, deletion_steps)
        ]
        logits = target.logits(np.concatenate(shown), lambda _done: None)
        probabilities = softmax(logits, target.temperature)[:, label]
        curves[index] = probabilities.reshape(len(orders), 2, STEPS + 1)
        advance(index + 1)
    areas, mean_curves = area_under_curve(curves), curves.mean(axis=0)
    return [
        InsertionDeletionRow(
            name,
            len(images),
            bootstrap_mean(areas[:, row, 0], groups),
            bootstrap_mean(areas[:, row, 1], groups),
            mean_curves[row, 0],
            mean_curves[row, 1],
        )
        for row, name in enumerate(orders)
    ]
