"""How much of a saliency map lies on the lesion, and how far a blind guess gets.

A saliency map [h, w] may be coarser than the mask [H, W] (a class activation map has a few cells):
each of the mask's pixels then takes the value of the cell that contains it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge_runtime.quick_dataclass import dataclass

__all__ = ["BlindPointing", "blind_pointing", "box_mean", "energy_inside", "pointing"]


def pointing(saliency: npt.ArrayLike, mask: npt.ArrayLike) -> float:
    """Play the pointing game (Zhang et al., IJCV 126, 2018): is the maximum inside the mask?

    Args:
        saliency: Floats [h, w], not negative.
        mask: bool [H, W].

    Returns:
        1.0 if the pixel with the highest value lies inside the mask, else 0.0. If several pixels
        share it, the share of them that lies inside: what a random choice among them would score,
        so that a flat map gets the area of the mask and no more.

    Raises:
        ValueError: An argument is not two-dimensional, or a value is not finite or is negative.

    Examples:
        >>> lesion = [[False, True], [False, True]]
        >>> pointing([[0.1, 0.7], [0.2, 0.0]], lesion)
        1.0
        >>> pointing([[1.0, 1.0], [1.0, 1.0]], lesion)  # a flat map: the lesion's area
        0.5
    """
    values, inside = _aligned(saliency, mask)
    peak = values == values.max()
    return float(np.count_nonzero(peak & inside) / np.count_nonzero(peak))


def energy_inside(saliency: npt.ArrayLike, mask: npt.ArrayLike) -> float:
    """Share of the map's sum that lies inside the mask (Wang et al., Score-CAM, 2020).

    Args:
        saliency: Floats [h, w], not negative.
        mask: bool [H, W].

    Returns:
        0..1, or NaN for a map that is zero everywhere.

    Raises:
        ValueError: As :func:`pointing`.

    Examples:
        >>> energy_inside([[0.0, 3.0], [1.0, 0.0]], [[False, True], [False, True]])
        0.75
    """
    values, inside = _aligned(saliency, mask)
    total = float(values.sum())
    return float(values[inside].sum()) / total if total > 0.0 else float("nan")


def box_mean(saliency: npt.ArrayLike, side: int) -> npt.NDArray[np.float64]:
    """Average over a square around each pixel, which at the rim holds the pixels that exist.

    Args:
        saliency: Floats [h, w].
        side: Odd side of the square in pixels.

    Returns:
        float64 [h, w].
    """
    values = np.asarray(saliency, np.float64)
    if side < 1 or side % 2 == 0:
        raise ValueError(f"side must be odd and positive, not {side}")
    sums = values
    counts = np.ones_like(values)
    for axis in (0, 1):
        sums, counts = _window_sum(sums, side, axis), _window_sum(counts, side, axis)
    return sums / counts


@dataclass(frozen=True)
class BlindPointing:
    """What guesses score in the pointing game that do not look at the picture.

    Attributes:
        centre: Share of the masks that contain the centre pixel.
        best: Share of the masks that contain the best fixed pixel, chosen with the answers known.
        best_pixel: Row and column of that pixel in the masks' grid.
    """

    centre: float
    best: float
    best_pixel: tuple[int, int]


def blind_pointing(masks: Sequence[npt.NDArray[np.bool_]]) -> BlindPointing:
    """Score the two blind guesses that a saliency map has to beat.

    Args:
        masks: N masks, bool [H, W], all of one shape.

    Raises:
        ValueError: There is no mask, or their shapes differ.

    Examples:
        >>> import numpy as np
        >>> masks = [np.eye(3, dtype=bool), np.array([[True, False, False]] * 3)]
        >>> blind_pointing(masks)
        BlindPointing(centre=0.5, best=1.0, best_pixel=(0, 0))
    """
    if not len(masks):
        raise ValueError("there is no mask to guess")
    stack = np.stack([np.asarray(mask, np.bool_) for mask in masks])
    rate = stack.mean(axis=0)
    row, column = divmod(int(rate.argmax()), rate.shape[1])
    centre = float(rate[rate.shape[0] // 2, rate.shape[1] // 2])
    return BlindPointing(centre, float(rate[row, column]), (row, column))


def _aligned(
    saliency: npt.ArrayLike, mask: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Bring the map to the mask's grid by nearest cells."""
    values, inside = np.asarray(saliency, np.float64), np.asarray(mask, np.bool_)
    if values.ndim != 2 or inside.ndim != 2 or not values.size or not inside.size:
        raise ValueError(
            f"expected saliency [h, w], mask [H, W]; got {values.shape}, {inside.shape}"
        )
    if not np.isfinite(values).all() or values.min() < 0.0:
        raise ValueError("a saliency value is negative or not a finite number")
    if values.shape != inside.shape:
        rows, columns = (
            ((2 * np.arange(fine) + 1) * coarse) // (2 * fine)
            for fine, coarse in zip(inside.shape, values.shape, strict=True)
        )
        values = values[np.ix_(rows, columns)]
    return values, inside


def _window_sum(values: npt.NDArray[np.float64], side: int, axis: int) -> npt.NDArray[np.float64]:
    half = side // 2
    length = values.shape[axis]
    cumulative = np.cumsum(values, axis=axis)
    padding = [(0, 0), (0, 0)]
    padding[axis] = (1, 0)
    cumulative = np.pad(cumulative, padding)
    last = np.minimum(np.arange(length) + half + 1, length)
    first = np.maximum(np.arange(length) - half, 0)
    return np.asarray(cumulative.take(last, axis) - cumulative.take(first, axis), np.float64)
