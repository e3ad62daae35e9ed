"""Where an axis is marked: round numbers, few enough to be read."""

from __future__ import annotations

import math

__all__ = ["linear_ticks", "log_ticks"]

_DIGITS = (
    (1, 2, 5),
    (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9),
    tuple(tenth / 10 for tenth in range(10, 100)),
)
_FEWEST, _MOST = 3, 10


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers within two ends, 1, 2 or 5 of a power of ten apart.

    Args:
        low: Lower end.
        high: Upper end, above it.
        most: How many at most, 3 or more.

    Examples:
        >>> linear_ticks(47.8, 88.2, most=4)
        [50.0, 60.0, 70.0, 80.0]
    """
    power = 10.0 ** (math.floor(math.log10((high - low) / (most - 1))) - 1)
    for step in (power * digit for digit in (1, 2, 5, 10, 20, 50, 100)):
        first = math.ceil(low / step - 1e-9)
        count = math.floor(high / step + 1e-9) - first + 1
        # The next smaller step, at most 2.5 times finer, gave 4 ticks or more: there is one.
        if count <= most:
            break
    return [round((first + index) * step, 12) for index in range(count)]


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers within two ends for a logarithmic axis: 1, 2, 5 of each power, or finer.

    Examples:
        >>> log_ticks(0.8, 30)
        [1.0, 2.0, 5.0, 10.0, 20.0]
    """
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    for digits in _DIGITS:
        found = [round(digit * 10.0**power, 9) for power in powers for digit in digits]
        found = [tick for tick in found if low <= tick <= high]
        if len(found) >= _FEWEST:
            break
    every = math.ceil(len(found) / _MOST) or 1
    return found[::every]
