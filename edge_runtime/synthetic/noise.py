"""Smooth random fields from arithmetic that gives the same bits on every machine.

Everything that the generator draws is built from uniform numbers of NumPy's frozen `RandomState`
over PCG64 (both streams are guaranteed, NEP 19), and from element-wise `+ - * /`, `sqrt`, `floor`,
minimum and maximum in float32, which IEEE 754 defines to the last bit. Sums over arrays, matrix
products, `exp`, `sin` and OpenCV's float kernels are avoided: their last bits depend on version
and processor.
"""

from __future__ import annotations

import functools
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Field", "Random", "between", "fractal", "random_unit_vector", "smooth_noise", "step"]

Field: TypeAlias = npt.NDArray[np.float32]
Random: TypeAlias = np.random.RandomState


def between(rng: Random, low: float, high: float) -> float:
    """Draw one uniform number from [low, high) as a Python float.

    A Python float, because NumPy 1 and 2 promote their own float64 scalars differently; and without
    `RandomState.uniform`, which some compilers contract to a fused multiply-add.
    """
    return low + (high - low) * float(rng.random_sample())


def random_unit_vector(rng: Random) -> tuple[float, float]:
    """Draw a direction in the plane, uniformly over the circle, without trigonometry."""
    while True:
        x, y = between(rng, -1.0, 1.0), between(rng, -1.0, 1.0)
        square = x * x + y * y
        if 0.01 < square <= 1.0:
            length = square**0.5
            return x / length, y / length


def step(low: float, high: float, value: Field) -> Field:
    """Rise smoothly from 0 at `low` to 1 at `high` (cubic Hermite), or fall if `high` < `low`."""
    ramp: Field = value - low
    ramp *= 1.0 / (high - low)
    np.maximum(ramp, 0.0, out=ramp)
    np.minimum(ramp, 1.0, out=ramp)
    result = ramp * -2.0
    result += 3.0
    result *= ramp
    result *= ramp
    return result


def smooth_noise(rng: Random, cells: int, size: int) -> Field:
    """Draw a field of uniform lattice values, interpolated by quadratic B-splines.

    Args:
        rng: The stream to draw from; (cells + 2) ** 2 numbers are taken.
        cells: Lattice cells per side, so the finest detail is about 1 / cells of the side.
        size: Side of the field in pixels.

    Returns:
        Field: float32 [size, size] in [-1, 1], standard deviation about 0.35.
    """
    # B-splines shrink the range, hence the factor 1.2 on lattice values in [-1, 1].
    lattice = rng.random_sample((cells + 2, cells + 2)).astype(np.float32) * 2.4 - 1.2
    columns = _interpolate_rows(np.ascontiguousarray(lattice.T), cells, size)
    return _interpolate_rows(np.ascontiguousarray(columns.T), cells, size)


def fractal(rng: Random, cells: tuple[int, ...], size: int, falloff: float = 0.5) -> Field:
    """Add octaves of `smooth_noise`, each `falloff` times as strong as the one before."""
    field = smooth_noise(rng, cells[0], size)
    weight = 1.0
    for octave in cells[1:]:
        weight *= falloff
        field += smooth_noise(rng, octave, size) * weight
    return field


def _interpolate_rows(values: Field, cells: int, size: int) -> Field:
    """Stretch [cells + 2, n] to [size, n] along the rows."""
    first, weights = _spline(cells, size)
    rows: Field = values.take(first[0], axis=0)
    rows *= weights[0]
    for index in (1, 2):
        more = values.take(first[index], axis=0)
        more *= weights[index]
        rows += more
    return rows


@functools.lru_cache(maxsize=64)
def _spline(cells: int, size: int) -> tuple[npt.NDArray[np.intp], list[Field]]:
    """Indices [3, S] and weights (three columns) of the lattice rows that each pixel row mixes."""
    position = (np.arange(size, dtype=np.float64) + 0.5) * (cells / size)
    first = np.floor(position)
    t = position - first
    weights = (0.5 * (1.0 - t) * (1.0 - t), 0.5 + t * (1.0 - t), 0.5 * t * t)
    indices = first.astype(np.intp)
    columns = [weight.astype(np.float32)[:, None] for weight in weights]
    return np.stack([indices, indices + 1, indices + 2]), columns
