"""SmoothGrad on a device: the mean of an engine's maps over noisy copies of one image.

Source: Smilkov et al., arXiv 1706.03825, section 3: the mean of the map over ``x + N(0, sigma^2)``,
there with 50 copies and a sigma of 10 to 20 % of the range of values. Eight copies give most of the
effect. The noise is the same for every image, so that a still scene has a still map.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_runtime.engines.base import Engine

__all__ = ["COPIES", "NOISE_LEVELS", "mean_map", "noise"]

COPIES = 8
NOISE_LEVELS = 25.0
"""Sigma in grey levels: a tenth of their range."""
_SEED = 0


@lru_cache(maxsize=1)
def noise(copies: int, height: int, width: int, levels: float = NOISE_LEVELS) -> NDArray[np.int16]:
    """Return the noise of every copy, int16 ``[copies, height, width, 3]``, the same in every call.

    Args:
        copies: Number of copies.
        height: Of the network's input, pixels.
        width: Likewise.
        levels: Sigma in grey levels.
    """
    drawn = np.random.default_rng(_SEED).standard_normal((copies, height, width, 3), np.float32)
    found: NDArray[np.int16] = np.rint(drawn * np.float32(levels)).astype(np.int16)
    found.setflags(write=False)
    return found


def mean_map(
    engine: Engine, image: NDArray[np.uint8], class_index: int, copies: int
) -> NDArray[np.float32]:
    """Average an engine's maps of one class over noisy copies of an image.

    Args:
        engine: With a graph that gives a map; its input is written over.
        image: uint8 ``[H, W, 3]``, network bytes.
        class_index: Class to explain.
        copies: Number of copies, each an inference; values are cut to 0 to 255.

    Returns:
        float32 ``[h, w]``, raw.

    Raises:
        ValueError: There is no such class, or the graph gives no map.
    """
    total: NDArray[np.float32] | None = None
    for moved in noise(copies, image.shape[0], image.shape[1]):
        engine.input_view()[0] = cv2.add(image, moved, dtype=cv2.CV_8U)
        found = engine.run_in_place(class_index).saliency
        if found is None:
            raise ValueError("the graph gives no map")
        total = found if total is None else total + found
    if total is None:
        raise ValueError("copies is 1 or more")
    return np.asarray(total / np.float32(copies), np.float32)
