"""The wall of the bowel before any camera looks at it: folds, colour, vessels, wetness."""

from __future__ import annotations

import functools

import numpy as np

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

__all__ = ["Surface", "grid", "inflame", "make_surface"]

# Mucosa under white light, from the colours that endoscopists describe (pale, salmon, orange where
# bile stains it, congested); reflectance of red, green and blue. Each picture mixes two of them.
PALETTE = (
    (0.82, 0.52, 0.42),
    (0.84, 0.46, 0.37),
    (0.82, 0.52, 0.27),
    (0.74, 0.38, 0.31),
    (0.78, 0.56, 0.46),
)


@dataclass
class Surface:
    """A square patch of wall, fields float32 [S, S], modified in place while it is being made.

    Attributes:
        reflectance: Red, green and blue share of the light that comes back, about 0..1.
        relief: Factor on the light from the shape of the wall: folds, lumen, shadows.
        gloss: Wetness and tilt towards the light; the camera turns the highest of it white.
        vessels: Strength of the vessel pattern, 0..1, which a lesion or inflammation covers.
    """

    reflectance: list[Field]
    relief: Field
    gloss: Field
    vessels: Field

    @property
    def size(self) -> int:
        """Side of the patch in pixels."""
        return int(self.relief.shape[0])


@functools.lru_cache(maxsize=16)
def grid(size: int) -> tuple[Field, Field]:
    """Coordinates of pixel centres, x as [1, S] and y as [S, 1], from -0.5 to 0.5."""
    axis = ((np.arange(size, dtype=np.float64) + 0.5) / size - 0.5).astype(np.float32)
    return axis[None, :], axis[:, None]


def make_surface(rng: Random, size: int) -> Surface:
    """Draw healthy wall: a lumen in or beside the view, folds around it, colour and vessels."""
    low = fractal(rng, (3, 6), size)
    middle = smooth_noise(rng, 12, size)
    fine = fractal(rng, (24, 48), size, falloff=0.6)
    relief, crest = _folds(rng, size, low)
    relief *= 1.0 + 0.05 * middle + 0.035 * fine

    first, second = (PALETTE[int(rng.randint(len(PALETTE)))] for _ in range(2))
    share, blotches = between(rng, 0.0, 1.0), between(rng, 0.02, 0.10)
    tint: Field = low * 0.7
    tint += middle * 0.3
    reflectance = []
    for a, b, weight in zip(first, second, (-0.3, 1.0, 1.3), strict=True):
        channel: Field = tint.copy()
        channel *= weight * blotches
        channel += 1.0
        channel *= share * a + (1.0 - share) * b
        reflectance.append(channel)
    vessels = _vessels(rng, size, low)
    gloss = 0.55 * middle + 0.60 * fine + 0.35 * crest
    return Surface(reflectance, relief, gloss, vessels)


def _folds(rng: Random, size: int, low: Field) -> tuple[Field, Field]:
    """Shade haustral folds around the lumen.

    Seen along the bowel, depth goes with 1 / radius. Every fold brightens towards its edge, and
    behind the edge lies the shadow of the recess: a saw tooth over depth. With the lumen far
    outside the picture the same formula gives the gentle parallel folds of a view onto the wall.

    Returns:
        The factor on the light, and how close a pixel is to the edge of a fold (0..1).
    """
    x, y = grid(size)
    away_x, away_y = random_unit_vector(rng)
    distance = between(rng, 0.0, 0.95)
    flat_x, flat_y = between(rng, 0.8, 1.25), between(rng, 0.8, 1.25)
    dx = (x - away_x * distance) * flat_x + 0.05 * low
    dy = (y - away_y * distance) * flat_y + 0.05 * np.ascontiguousarray(low.T)
    radius = np.sqrt(dx * dx + dy * dy)

    frequency = between(rng, 0.7, 1.9) * (1.0 + 1.2 * distance)
    depth = frequency / (radius + 0.16) + (0.35 * low + between(rng, 0.0, 1.0))
    phase = depth - np.floor(depth)
    contrast = between(rng, 0.2, 0.6) * step(-0.6, 0.3, low[::-1])
    # The shadow sets in over the last tenth of the tooth, so that no edge is harder than a pixel.
    crest = phase * phase * step(1.0, 0.9, phase)
    relief = 1.0 - contrast * (1.0 - crest) * (0.55 + 0.45 * step(0.5, 0.0, phase))

    # Light falls off with depth, but a lumen that lies outside the view darkens no more than half.
    darkness = between(rng, 0.8, 0.97)
    opening = between(rng, 0.06, 0.16)
    relief *= 1.0 - darkness * step(opening + 0.30, opening * 0.4, radius)
    return relief, crest * contrast * 2.0


def _vessels(rng: Random, size: int, low: Field) -> Field:
    """Thin branching lines: the zero crossings of two noises, broken up by a third."""
    visible = between(rng, 0.0, 1.0)
    coarse = fractal(rng, (7, 14), size)
    twigs = fractal(rng, (13, 26), size)
    lines = np.maximum(step(0.085, 0.0, np.abs(coarse)), 0.65 * step(0.10, 0.0, np.abs(twigs)))
    broken: Field = lines * (step(-0.35, 0.45, np.ascontiguousarray(low[:, ::-1])) * visible)
    return broken


def inflame(rng: Random, surface: Surface) -> None:
    """Turn the wall into an inflamed one: patchy redness, granular mottle, bleeding points.

    Redness of the whole picture is no clue, since healthy wall may be as red: what tells is the
    granular pattern, the lost vessels, and flecks of exudate.
    """
    size = surface.size
    severity = between(rng, 0.6, 1.0)
    patches = step(-0.55, 0.10, fractal(rng, (3, 7), size)) * severity
    grains = smooth_noise(rng, 38, size) + 0.7 * smooth_noise(rng, 22, size)
    mottle = grains * patches
    drift = smooth_noise(rng, 6, size)
    bleeding = step(0.55, 1.0, grains + 0.5 * drift) * patches
    exudate = step(0.60, 0.95, -0.6 * grains - 0.9 * drift) * patches

    surface.vessels *= 1.0 - 0.9 * patches
    surface.relief *= 1.0 - 0.16 * mottle
    surface.gloss += 0.20 * mottle
    film, redness = (0.86, 0.78, 0.62), between(rng, 0.10, 0.26)
    for index, (weight, blood) in enumerate(((0.1, 0.12), (1.0, 0.45), (1.0, 0.45))):
        field = surface.reflectance[index]
        field *= 1.0 - weight * (redness * patches + 0.22 * mottle)
        field *= 1.0 - blood * bleeding
        field += exudate * 0.6 * (film[index] - field)
