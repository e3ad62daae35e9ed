"""One labelled picture from a seed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_runtime.quick_dataclass import dataclass
from edge_runtime.synthetic.camera import expose, make_camera, shortcut_region, stamp_shortcut
from edge_runtime.synthetic.lesion import add_polyp, place_polyp
from edge_runtime.synthetic.surface import inflame, make_surface

__all__ = ["CLASSES", "LESION_CLASS", "SyntheticSample", "generate", "stream"]

CLASSES = ("normal", "polyp", "inflamed")
LESION_CLASS = "polyp"

# Each part of a picture draws from its own stream, so that one part can change (the label, the
# shortcut) while all others stay as they are.
_WALL, _CAMERA, _FINDING, _SENSOR, _SHORTCUT = range(5)
MIN_SIZE = 32


@dataclass(frozen=True)
class SyntheticSample:
    """A made-up endoscopy picture.

    Attributes:
        image: uint8 [S, S, 3], RGB.
        mask: bool [S, S], the visible pixels of the lesion; all False unless the label is polyp.
        label: One of CLASSES.
    """

    image: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.bool_]
    label: str


def stream(seed: int, part: int) -> np.random.RandomState:
    """A frozen random stream (NEP 19) for one part of the picture with this seed."""
    return np.random.RandomState(np.random.PCG64([seed & 0xFFFFFFFF, seed >> 32, part]))


def generate(label: str, seed: int, size: int = 128, shortcut: bool = False) -> SyntheticSample:
    """Draw a synthetic picture; it shows no patient and proves nothing about patients.

    The same arguments give the same bytes on every machine (see `noise`). The seed alone decides
    wall, light and camera, so that two labels with one seed differ only in the finding.

    Args:
        label: One of CLASSES.
        seed: 0 .. 2**64 - 1.
        size: Side in pixels, at least 32.
        shortcut: Plant a dark box with a green marker in the bottom left corner. It hides what is
            behind it, and a polyp is placed elsewhere.

    Returns:
        SyntheticSample: Picture, mask and label.

    Raises:
        ValueError: An argument is out of its range.

    Examples:
        >>> sample = generate("polyp", seed=7, size=64)
        >>> sample.image.shape, sample.image.dtype.name
        ((64, 64, 3), 'uint8')
        >>> bool(sample.mask.any()), bool(generate("normal", seed=7, size=64).mask.any())
        (True, False)
    """
    if label not in CLASSES:
        raise ValueError(f"label must be one of {', '.join(CLASSES)}, not {label!r}")
    if size < MIN_SIZE:
        raise ValueError(f"size must be at least {MIN_SIZE} pixels, not {size}")
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must be between 0 and 2**64 - 1, not {seed}")
    surface = make_surface(stream(seed, _WALL), size)
    camera = make_camera(stream(seed, _CAMERA), size)
    finding = stream(seed, _FINDING)
    mask = np.zeros((size, size), np.bool_)
    if label == "inflamed":
        inflame(finding, surface)
    elif label == LESION_CLASS:
        visible: npt.NDArray[np.bool_] = camera.window > 0.5
        if shortcut:
            visible[shortcut_region(size)] = False
        place = place_polyp(finding, visible, surface.relief * camera.light)
        mask = add_polyp(finding, surface, place) & visible
    image = expose(stream(seed, _SENSOR), surface, camera)
    if shortcut:
        stamp_shortcut(stream(seed, _SHORTCUT), image)
    return SyntheticSample(image, mask, label)
