"""The lesions that saliency is measured against; nothing that trains may import this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.preprocessing import Preprocessing
from train.data import Sample
from train.data.cache import read_frame
from train.data.masks import has_mask, load_mask

__all__ = ["Lesions", "find_lesions", "lesion_masks"]


@dataclass(frozen=True, eq=False)
class Lesions:
    """Images of one class whose lesion is marked.

    Attributes:
        label: the class.
        positions: int64 ``[L]``, where the images stand among those that were loaded.
        masks: bool ``[L, H, W]``, in network pixels.
    """

    label: str
    positions: NDArray[np.int64]
    masks: NDArray[np.bool_]

    @property
    def off_centre(self) -> NDArray[np.int64]:
        """Which of the L do not cover the centre pixel, int64."""
        height, width = self.masks.shape[1:]
        return np.flatnonzero(~self.masks[:, height // 2, width // 2])


def find_lesions(samples: Sequence[Sample], preprocessing: Preprocessing) -> Lesions | None:
    """The lesions of the class that has most, or None where no image has a mask.

    Raises:
        DataError: a mask cannot be read or has another size than its image.
    """
    found: dict[str, list[tuple[int, NDArray[np.bool_]]]] = {}
    for position, sample in enumerate(samples):
        mask = _mask(sample, preprocessing, checked=True)
        if mask is not None:
            found.setdefault(sample.label, []).append((position, mask))
    if not found:
        return None
    label = max(found, key=lambda label: len(found[label]))
    positions, masks = zip(*found[label], strict=True)
    return Lesions(label, np.array(positions, np.int64), np.stack(masks))


def lesion_masks(
    samples: Sequence[Sample], label: str, preprocessing: Preprocessing
) -> list[NDArray[np.bool_]]:
    """The masks of one class, for the guesses that know where lesions usually lie."""
    found = (_mask(one, preprocessing, checked=False) for one in samples if one.label == label)
    return [mask for mask in found if mask is not None]


def _mask(
    sample: Sample, preprocessing: Preprocessing, *, checked: bool
) -> NDArray[np.bool_] | None:
    if not has_mask(sample):
        return None
    frame_size = None
    if checked and sample.mask_path is not None:
        height, width = read_frame(sample).shape[:2]
        frame_size = (height, width)
    return load_mask(sample, preprocessing, frame_size)
