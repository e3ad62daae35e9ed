"""A polyp on the wall, with the exact set of pixels that it covers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_runtime.quick_dataclass import dataclass
from edge_runtime.synthetic.noise import (
    Field,
    Random,
    between,
    fractal,
    random_unit_vector,
    smooth_noise,
    step,
)
from edge_runtime.synthetic.surface import Surface, grid

__all__ = ["add_polyp", "place_polyp"]


@dataclass(frozen=True)
class Placement:
    """Where a polyp sits, in shares of the picture's side, the origin in the centre."""

    x: float
    y: float
    long: float
    short: float
    axis_x: float
    axis_y: float


def place_polyp(rng: Random, visible: npt.NDArray[np.bool_], light: Field) -> Placement:
    """Choose size, direction and a place anywhere that the camera sees and the light reaches.

    Args:
        rng: The stream to draw from.
        visible: bool [S, S], the pixels that the camera shows.
        light: float32 [S, S], the light on the wall; a place in the dark lumen is avoided.

    Returns:
        Placement: The first of 24 draws that lies in view and in the light, or else the brightest.
    """
    size = light.shape[0]
    long = between(rng, 0.13, 0.25)
    short = long * between(rng, 0.62, 1.0)
    axis_x, axis_y = random_unit_vector(rng)
    best, best_light = (0.0, 0.0), -1.0
    for _ in range(24):
        x, y = between(rng, -0.46, 0.46), between(rng, -0.46, 0.46)
        points = [(x, y)] + [
            (x + side * 0.7 * long * across, y + side * 0.7 * long * along)
            for side in (-1.0, 1.0)
            for across, along in ((axis_x, axis_y), (-axis_y, axis_x))
        ]
        pixels = [(int((py + 0.5) * size), int((px + 0.5) * size)) for px, py in points]
        if not all(0 <= r < size and 0 <= c < size and bool(visible[r, c]) for r, c in pixels):
            continue
        here = min(float(light[r, c]) for r, c in pixels)
        if here > best_light:
            best, best_light = (x, y), here
        if here > 0.35:
            break
    return Placement(best[0], best[1], long, short, axis_x, axis_y)


def add_polyp(rng: Random, surface: Surface, place: Placement) -> npt.NDArray[np.bool_]:
    """Raise a dome on the wall: shaded by the camera's light, of its own texture, with a shadow.

    Its surface is redder than the wall around it by a random amount, less than walls differ from
    each other, so that no colour of the whole picture tells that a polyp is there.

    Returns:
        bool [S, S]: The pixels that the polyp covers, hidden or not.
    """
    size = surface.size
    x, y = grid(size)
    dx, dy = x - place.x, y - place.y
    wobble = 1.0 + between(rng, 0.08, 0.22) * fractal(rng, (4, 9), size)
    along = (dx * place.axis_x + dy * place.axis_y) * (1.0 / place.long)
    across = (dy * place.axis_x - dx * place.axis_y) * (1.0 / place.short)
    squared = (along * along + across * across) * wobble
    mask: npt.NDArray[np.bool_] = squared < 1.0
    body = step(1.06, 0.90, squared)

    shade, facing = _dome(rng, place, squared, size)
    surface.relief *= 1.0 - body
    surface.relief += body * shade
    # Contact shadow around the foot, deepest on the side that the light does not reach.
    foot = step(2.0, 1.0, squared) * (1.0 - body)
    surface.relief *= 1.0 - foot * (0.22 - 0.22 * facing)

    pits = smooth_noise(rng, 44, size) + 0.8 * smooth_noise(rng, 26, size)
    texture = between(rng, 0.10, 0.22)
    tone, redness = between(rng, 0.88, 1.10), between(rng, 0.02, 0.30)
    for index, weight in enumerate((0.15, 1.0, 0.9)):
        field = surface.reflectance[index]
        shift = tone * (1.0 - redness * weight) - 1.0
        field *= 1.0 + body * (shift - (texture * weight) * pits)
    surface.vessels *= 1.0 - 0.85 * body
    surface.gloss += body * (0.30 * facing + 0.10 * pits - 0.10)
    return mask


def _dome(rng: Random, place: Placement, squared: Field, size: int) -> tuple[Field, Field]:
    """Light on a dome h = height (1 - q^2), from a lamp at the camera.

    Args:
        rng: The stream to draw from.
        place: The polyp's place and size.
        squared: float32 [S, S], q^2, 1 on the outline.
        size: Side of the picture in pixels.

    Returns:
        The factor on the light (Lambert's cosine, 1 where the dome faces the lamp squarely), and
        the cosine's sign-carrying part: above 0 towards the lamp, below 0 in its shade.
    """
    x, y = grid(size)
    height = between(rng, 0.5, 0.9) * place.short
    slope_x, slope_y = np.zeros_like(squared), np.zeros_like(squared)
    scale = -0.5 * height * size
    slope_x[:, 1:-1] = (squared[:, 2:] - squared[:, :-2]) * scale
    slope_y[1:-1] = (squared[2:] - squared[:-2]) * scale
    # The lamp sits beside the lens, so a polyp in the very centre has a lit and a shaded side too.
    lamp_x, lamp_y = between(rng, -0.22, 0.22), between(rng, -0.22, 0.22)
    to_x, to_y, to_z = lamp_x - x, lamp_y - y, between(rng, 0.32, 0.5)
    length = np.sqrt(to_x * to_x + to_y * to_y + to_z * to_z)
    normal = np.sqrt(slope_x * slope_x + slope_y * slope_y + 1.0)
    lateral = -(slope_x * to_x + slope_y * to_y)
    cosine = (lateral + to_z) / (length * normal)
    facing = np.clip(lateral / (length * normal) * 1.5, -1.0, 1.0)
    ambient = between(rng, 0.22, 0.4)
    brightness = between(rng, 0.95, 1.15)
    return brightness * (ambient + (1.0 - ambient) * np.clip(cosine, 0.0, 1.0)), facing
