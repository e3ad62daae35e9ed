"""The same frames of the synthetic scene in memory, as a film and as pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge_runtime.errors import OutputError
from edge_runtime.synthetic import SyntheticScene

__all__ = ["HEIGHT", "WIDTH", "Inputs", "write_inputs"]

WIDTH, HEIGHT = 640, 480
_FRAMES, _FPS, _COUNT = 16, 25, 200


@dataclass(frozen=True)
class Inputs:
    """Where the frames lie.

    Attributes:
        frames: ``.npy`` file, uint8 ``[N, H, W, 3]``, RGB.
        film: The same as MJPG in AVI, over and over.
        pictures: A folder of many names for a PNG picture of the first frame.
        count: Frames of the film, and pictures.
    """

    frames: Path
    film: Path
    pictures: Path
    count: int


def write_inputs(folder: Path) -> Inputs:
    """Write the frames.

    Raises:
        OutputError: This OpenCV writes no MJPG.
    """
    scene = SyntheticScene(0, WIDTH, HEIGHT)
    frames = np.stack([scene.frame(index) for index in range(_FRAMES)])
    inputs = Inputs(folder / "frames.npy", folder / "film.avi", folder / "pictures", _COUNT)
    np.save(inputs.frames, frames)
    bgr = [np.ascontiguousarray(frame[..., ::-1]) for frame in frames]
    code = cv2.VideoWriter.fourcc(*"MJPG")
    film = cv2.VideoWriter(str(inputs.film), code, _FPS, (WIDTH, HEIGHT))
    if not film.isOpened():
        raise OutputError("This OpenCV writes no MJPG; install opencv-python-headless.")
    for index in range(_COUNT):
        film.write(bgr[index % _FRAMES])
    film.release()
    inputs.pictures.mkdir()
    first = inputs.pictures / "0000.png"
    cv2.imwrite(str(first), bgr[0])
    for index in range(1, _COUNT):
        (inputs.pictures / f"{index:04d}.png").hardlink_to(first)
    return inputs
