"""A moving view for live sources: a camera that drifts over a wall with one lesion on it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from edge_runtime.synthetic.camera import Camera, expose, make_camera
from edge_runtime.synthetic.lesion import add_polyp, place_polyp
from edge_runtime.synthetic.noise import Random
from edge_runtime.synthetic.picture import stream
from edge_runtime.synthetic.surface import Surface, make_surface

__all__ = ["SyntheticScene"]

# The wall is drawn once, at this side at most, and stretched: a real endoscope is as soft.
_MAX_WALL = 720
# The view spans this share of the wall, so that the lesion leaves it on the way.
_VIEW_SHARE = 0.72
# The wall is exposed under this light everywhere; each frame then takes its share of it away.
_FULL_LIGHT = 1.15
# Periods of the drift in frames, without a common factor, so that the path does not repeat soon.
_PERIODS = (331, 457)


class SyntheticScene:
    """An endless seeded video; frame i is the same whenever it is asked for.

    The camera glides over a wall that is drawn once. The lamp moves with the camera, and the lesion
    comes into view and leaves it. Frames may differ by a grey level between versions of OpenCV;
    `generate` is the source to use where bytes must be the same everywhere.

    Example:
        scene = SyntheticScene(seed=1, width=640, height=480)
        frame = scene.frame(0)  # uint8 [480, 640, 3], RGB
    """

    def __init__(self, seed: int, width: int, height: int) -> None:
        """Draw the wall.

        Args:
            seed: 0 .. 2**64 - 1.
            width: Width of the frames in pixels, at least 32.
            height: Height of the frames in pixels, at least 32.

        Raises:
            ValueError: A side is shorter than 32 pixels.
        """
        if min(width, height) < 32:
            raise ValueError(f"a scene needs at least 32 x 32 pixels, not {width} x {height}")
        self.width, self.height = width, height
        self._side = round(max(width, height) / _VIEW_SHARE)
        drawn = min(self._side, _MAX_WALL)
        surface = make_surface(stream(seed, 0), drawn)
        mask = _add_lesion(stream(seed, 2), surface)
        flat = np.ones((drawn, drawn), np.float32)
        lamp = Camera(flat, flat * np.float32(_FULL_LIGHT), (1.0, 1.0, 1.0), 0.9, 2.0)
        wall = expose(stream(seed, 3), surface, lamp)
        shape = (self._side, self._side)
        self._wall = cv2.resize(wall, shape, interpolation=cv2.INTER_LINEAR_EXACT)
        enlarged = cv2.resize(mask.astype(np.uint8), shape, interpolation=cv2.INTER_NEAREST)
        self._mask = enlarged.astype(np.bool_)
        self._light = _light(seed, width, height)
        start = stream(seed, 4).randint(0, 10_000, 2)
        self._start = int(start[0]), int(start[1])

    def frame(self, index: int, out: npt.NDArray[np.uint8] | None = None) -> npt.NDArray[np.uint8]:
        """Return frame `index` as uint8 [height, width, 3], RGB, contiguous.

        Args:
            index: Number of the frame.
            out: Array of that shape to write it into; a new one if None.
        """
        x, y = self._corner(index)
        view = self._wall[y : y + self.height, x : x + self.width]
        return np.asarray(cv2.multiply(view, self._light, dst=out, scale=1 / 255), np.uint8)

    def lesion_mask(self, index: int) -> npt.NDArray[np.bool_]:
        """Return the lesion's pixels in frame `index`, bool [height, width]; empty out of view."""
        x, y = self._corner(index)
        lit: npt.NDArray[np.bool_] = self._light[:, :, 0] > 25
        return self._mask[y : y + self.height, x : x + self.width] & lit

    def _corner(self, index: int) -> tuple[int, int]:
        """Top left corner of the view on the wall: a smooth to and fro in each direction."""
        room = (self._side - self.width, self._side - self.height)
        x, y = (
            round(_glide((index + start) / period) * space)
            for start, period, space in zip(self._start, _PERIODS, room, strict=True)
        )
        return x, y


def _add_lesion(rng: Random, surface: Surface) -> npt.NDArray[np.bool_]:
    """Put a polyp towards the rim of the wall, where the camera cannot always see it."""
    size = surface.size
    rim = np.zeros((size, size), np.bool_)
    rim[size // 12 : -(size // 12), size // 12 : -(size // 12)] = True
    rim[size // 3 : -(size // 3), size // 3 : -(size // 3)] = False
    place = place_polyp(rng, rim, surface.relief)
    # Shares of the wall become shares of the view.
    scaled = replace(place, long=place.long * _VIEW_SHARE, short=place.short * _VIEW_SHARE)
    return add_polyp(rng, surface, scaled)


def _glide(turns: float) -> float:
    """Go 0, 1, 0 once a turn, slowly at the ends."""
    phase = turns % 1.0
    ramp = 2.0 * phase if phase < 0.5 else 2.0 - 2.0 * phase
    return ramp * ramp * (3.0 - 2.0 * ramp)


def _light(seed: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """Field of view and vignette in one factor, uint8 [height, width, 3], 255 = full light."""
    side = min(max(width, height), _MAX_WALL)
    camera = make_camera(stream(seed, 1), side)
    factor = camera.window * np.minimum(camera.light * np.float32(1.0 / _FULL_LIGHT), 1.0)
    square = (factor * 255.0).astype(np.uint8)
    resized = cv2.resize(square, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    return np.ascontiguousarray(np.repeat(resized[:, :, None], 3, axis=2))
