"""Random views of training images: rotation, flips, shift, zoom, colour jitter and covers.

Every random number is keyed by seed, epoch and the image's key in the listing. A resumed run, or
one that is spread over several processes, therefore sees the same bits as a run in one go.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import UsageError
from train.data.covering import erase_rectangle, fill_surround, surround

__all__ = ["Augmentation", "augment", "keyed_generator"]

# Luma weights of ITU-R BT.601.
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Augmentation:
    """How far the random views go; all zero and False gives the image itself.

    Attributes:
        rotation: largest angle to either side, in degrees.
        flip: mirror left-right and up-down, each in half of the views; an endoscope has no
            up and no left.
        shift: largest displacement, as a share of the side.
        zoom: largest change of size, as a share: 0.1 is from 0.9 to 1.1.
        brightness: largest change of all values, as a share of 255.
        contrast: largest change of the distance to mid-grey, as a share.
        saturation: largest change of the distance to grey, as a share.
        surround: share of the views whose black surround gets another content.
        erase: share of the views that a rectangle is laid over.
    """

    rotation: float = 30.0
    flip: bool = True
    shift: float = 0.1
    zoom: float = 0.15
    brightness: float = 0.1
    contrast: float = 0.15
    saturation: float = 0.15
    surround: float = 0.0
    erase: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.rotation <= 180:
            raise UsageError(f"a rotation of {self.rotation} degrees is not within 0 to 180.")
        for name in ("shift", "zoom", "brightness", "contrast", "saturation"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise UsageError(f"an augmentation {name} of {value} is not within 0 and 1.")
        for name in ("surround", "erase"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UsageError(f"an augmentation {name} of {value} is no share from 0 to 1.")


def keyed_generator(*key: int | str) -> np.random.Generator:
    """A random generator that depends on the key alone: seed, purpose, epoch, sample and so on."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def augment(
    image: NDArray[np.uint8], settings: Augmentation, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """One random view.

    Args:
        image: uint8 ``[H, W, 3]``, RGB, network bytes.
        settings: how far it may go.
        generator: from :func:`keyed_generator`. Placement and colour are drawn before the covers,
            so that a view is the same with and without them but for what is covered.

    Returns:
        uint8 ``[H, W, 3]``. What comes in from outside the image is its mirror image, so that no
        border tells how far it was turned.
    """
    draws = generator.uniform(-1.0, 1.0, size=9)
    height, width = image.shape[:2]
    moved = cv2.warpAffine(
        image,
        _placement(draws[:6], settings, height, width),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    view = np.asarray(cv2.transform(moved, _colour(draws[6:], settings)), dtype=np.uint8)
    filled, erased = generator.uniform(size=2) < (settings.surround, settings.erase)
    if filled:
        fill_surround(view, surround(np.asarray(moved, dtype=np.uint8)), generator)
    if erased:
        erase_rectangle(view, generator)
    return view


def _placement(
    draws: NDArray[np.float64], settings: Augmentation, height: int, width: int
) -> NDArray[np.float64]:
    """The affine map ``[2, 3]`` about the image centre."""
    angle = np.deg2rad(settings.rotation * draws[0])
    size = 1.0 + settings.zoom * draws[1]
    mirror_x = -1.0 if settings.flip and draws[2] < 0 else 1.0
    mirror_y = -1.0 if settings.flip and draws[3] < 0 else 1.0
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([mirror_x, mirror_y])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = settings.shift * draws[4:6] * np.array([width, height])
    return np.column_stack([linear, centre + shift - linear @ centre])


def _colour(draws: NDArray[np.float64], settings: Augmentation) -> NDArray[np.float32]:
    """Brightness, contrast and saturation as one affine map ``[3, 4]`` of RGB values."""
    offset = 255.0 * settings.brightness * draws[0]
    contrast = 1.0 + settings.contrast * draws[1]
    saturation = 1.0 + settings.saturation * draws[2]
    grey = np.tile(_LUMA, (3, 1))
    linear = contrast * (saturation * np.eye(3) + (1.0 - saturation) * grey)
    constant = np.full(3, 127.5 * (1.0 - contrast) + offset)
    return np.column_stack([linear, constant]).astype(np.float32)
