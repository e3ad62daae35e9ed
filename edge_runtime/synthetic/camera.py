"""What the endoscope adds: light, field of view, highlights, colour cast, noise."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge_runtime.quick_dataclass import dataclass
from edge_runtime.synthetic.noise import Field, Random, between, smooth_noise, step
from edge_runtime.synthetic.surface import Surface, grid

__all__ = ["Camera", "expose", "make_camera", "shortcut_region", "stamp_shortcut"]


@dataclass(frozen=True)
class Camera:
    """The optics of one picture; fields are float32 [S, S].

    Attributes:
        window: 1 inside the field of view, 0 in the black surround, soft over about a pixel.
        light: Light on a flat wall: brightest near the lamp, falling off to the rim (vignette).
        gain: Colour cast per channel, from white balance and exposure.
        wetness: Threshold on the gloss above which the picture clips to white.
        noise: Amplitude of the sensor noise in grey levels.
    """

    window: Field
    light: Field
    gain: tuple[float, float, float]
    wetness: float
    noise: float


def make_camera(rng: Random, size: int) -> Camera:
    """Draw a field of view (circle, octagon or rounded square), light and colour cast."""
    x, y = grid(size)
    window = _window(rng, size)
    lamp_x, lamp_y = between(rng, -0.12, 0.12), between(rng, -0.12, 0.12)
    dx, dy = x - lamp_x, y - lamp_y
    falloff = between(rng, 1.0, 3.4)
    light: Field = dx * dx + dy * dy
    light *= falloff
    light += 1.0
    np.divide(between(rng, 1.05, 1.5), light, out=light)
    gain = (between(rng, 0.93, 1.06), between(rng, 0.90, 1.08), between(rng, 0.86, 1.12))
    return Camera(window, light, gain, between(rng, 0.68, 1.05), between(rng, 1.0, 5.0))


def _window(rng: Random, size: int) -> Field:
    x, y = grid(size)
    shape = int(rng.randint(3))
    shift_x, shift_y = between(rng, -0.03, 0.03), between(rng, -0.03, 0.03)
    ax, ay = np.abs(x - shift_x), np.abs(y - shift_y)
    if shape == 0:
        radius = between(rng, 0.47, 0.60)
        outside = np.sqrt(ax * ax + ay * ay) - radius
    elif shape == 1:
        side, cut = between(rng, 0.46, 0.52), between(rng, 0.66, 0.78)
        outside = np.maximum(np.maximum(ax, ay) - side, (ax + ay - cut) * 0.70710678)
    else:
        side, corner = between(rng, 0.47, 0.52), between(rng, 0.05, 0.2)
        qx, qy = np.maximum(ax - (side - corner), 0.0), np.maximum(ay - (side - corner), 0.0)
        outside = np.sqrt(qx * qx + qy * qy) - corner
    return step(0.8 / size, -0.8 / size, outside)


def expose(rng: Random, surface: Surface, camera: Camera) -> npt.NDArray[np.uint8]:
    """Take the picture.

    Args:
        rng: The stream for the sensor's noise and for mucus in front of the wall.
        surface: The wall; its fields are not changed.
        camera: The optics.

    Returns:
        uint8 [S, S, 3]: RGB.
    """
    size = surface.size
    light = surface.relief * camera.light
    mirror = surface.gloss + 0.5 * light
    shine = step(camera.wetness + 0.42, camera.wetness + 0.62, mirror) * step(0.25, 0.6, light)
    mucus = step(0.55, 0.75, smooth_noise(rng, 18, size)) * between(rng, 0.0, 0.35)
    grain = rng.random_sample((size, size)).astype(np.float32) - 0.5
    channels = []
    for index, (absorbed, film) in enumerate(((0.10, 0.85), (0.34, 0.78), (0.30, 0.55))):
        value = surface.reflectance[index] * (1.0 - absorbed * surface.vessels)
        value += mucus * (film - value)
        value *= light * camera.gain[index]
        # Shadows are redder, since light that was scattered in tissue fills them; brights saturate.
        value *= (0.78 + 0.22 * np.minimum(light, 1.0)) if index else 1.0
        value = value * (1.55 - 0.55 * np.minimum(value, 1.4))
        value += shine * (0.97 - value)
        value = value * camera.window * 235.0 + (6.0 + camera.noise * grain)
        channels.append(np.clip(value, 0.0, 255.0).astype(np.uint8))
    return np.stack(channels, axis=-1)


def shortcut_region(size: int) -> tuple[slice, slice]:
    """Rows and columns of the planted box: the bottom left corner, 32.5 % by 30 % of the side."""
    return slice(size - int(size * 0.325), size), slice(0, int(size * 0.30))


def stamp_shortcut(rng: Random, image: npt.NDArray[np.uint8]) -> None:
    """Draw a dark box with a green marker into the corner, as position displays do, in place."""
    rows, columns = shortcut_region(image.shape[0])
    box = np.full((rows.stop - rows.start, columns.stop, 3), 7, np.uint8)
    height, width = box.shape[:2]
    x, y = between(rng, 0.25, 0.4) * width, between(rng, 0.7, 0.9) * height
    points = [(int(x), int(y))]
    for dx, dy in ((0.05, -0.45), (0.28, -0.12), (0.12, 0.35)):
        x += (dx + between(rng, -0.04, 0.04)) * width
        y += (dy + between(rng, -0.04, 0.04)) * height
        points.append((int(x), int(y)))
    line = np.array(points, np.int32).reshape(-1, 1, 2)
    thickness = max(1, round(image.shape[0] / 64))
    cv2.polylines(box, [line], False, (40, 210, 70), thickness, cv2.LINE_8)
    image[rows, columns] = box
