"""Insertion and deletion: does the class score follow the pixels in the order of the map?

Source: Petsiuk et al., RISE, arXiv 1806.07421, section 4.2. *Deletion* takes the pixels away, the
most salient first; a good map makes the probability fall at once, so its area under the curve is
small. *Insertion* puts them back into a blurred picture; a good map makes it rise at once.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge_runtime.metrics.classification import Floats, Integers

__all__ = ["area_under_curve", "blurred", "deletion_steps", "insertion_steps", "pixel_order"]

Image = npt.NDArray[np.uint8]
BLUR_SHARE = 16


def pixel_order(saliency: npt.ArrayLike, seed: int = 0) -> Integers:
    """Positions of the pixels, the most salient first.

    Args:
        saliency: Floats [H, W].
        seed: Of the order among equal values, which is random, so that an even map gives a random
            order and not the reading order.

    Returns:
        int64 [H * W], positions in the flattened map.

    Examples:
        >>> pixel_order([[0.1, 0.9], [0.5, 0.2]]).tolist()
        [1, 2, 3, 0]
    """
    values = np.asarray(saliency, np.float64).ravel()
    shuffled = np.random.default_rng(seed).permutation(len(values))
    return np.asarray(shuffled[np.argsort(-values[shuffled], kind="stable")], np.int64)


def deletion_steps(image: Image, order: Integers, steps: int) -> Image:
    """The image, with more and more of its pixels set to its mean colour.

    Args:
        image: uint8 [H, W, 3].
        order: int64 [H * W], see :func:`pixel_order`.
        steps: Number of equal portions that the pixels are taken away in.

    Returns:
        uint8 [steps + 1, H, W, 3]; the first is the image, the last its mean colour.
    """
    mean = np.rint(image.mean(axis=(0, 1))).astype(np.uint8)
    return _replaced(image, np.broadcast_to(mean, image.shape), order, steps)


def insertion_steps(image: Image, order: Integers, steps: int) -> Image:
    """The image blurred, with more and more of its pixels put back.

    Args:
        image: uint8 [H, W, 3].
        order: int64 [H * W], see :func:`pixel_order`.
        steps: Number of equal portions that the pixels are put back in.

    Returns:
        uint8 [steps + 1, H, W, 3]; the first is blurred, see :func:`blurred`, the last the image.
    """
    return _replaced(blurred(image), image, order, steps)


def blurred(image: Image) -> Image:
    """The image under a Gaussian whose deviation is a sixteenth of its shorter side."""
    deviation = min(image.shape[:2]) / BLUR_SHARE
    return np.asarray(cv2.GaussianBlur(image, (0, 0), deviation), np.uint8)


def area_under_curve(values: npt.ArrayLike) -> Floats:
    """Area under curves over the share of pixels from 0 to 1, by trapezoids.

    Args:
        values: Floats [..., steps + 1], at equal distances.

    Returns:
        float64 [...].

    Raises:
        ValueError: A curve has less than two points.

    Examples:
        >>> float(area_under_curve([0.9, 0.5, 0.1]))  # the score falls evenly
        0.5
        >>> area_under_curve([[0.9, 0.1, 0.1], [0.9, 0.9, 0.1]]).tolist()
        [0.3, 0.7]
    """
    curves = np.asarray(values, np.float64)
    if curves.shape[-1] < 2:
        raise ValueError(f"a curve needs at least two points, got {curves.shape[-1]}")
    means = (curves[..., 1:] + curves[..., :-1]) / 2
    return np.asarray(means.mean(axis=-1), np.float64)


def _replaced(image: Image, replacement: Image, order: Integers, steps: int) -> Image:
    height, width = image.shape[:2]
    if steps < 1 or order.shape != (height * width,):
        raise ValueError(
            f"expected at least one step and {height * width} positions, got {steps} and "
            f"{order.shape}"
        )
    pixels = np.repeat(image.reshape(1, -1, 3), steps + 1, axis=0)
    source = replacement.reshape(-1, 3)
    for step in range(1, steps + 1):
        changed = order[: round(step / steps * len(order))]
        pixels[step, changed] = source[changed]
    return pixels.reshape(steps + 1, height, width, 3)
