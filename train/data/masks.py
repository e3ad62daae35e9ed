"""Lesion masks, seen through the preprocessing of the network. For evaluation only.

Nothing under ``train/`` but the evaluation imports this module: no loss, augmentation, masking or
choice of a checkpoint may read a mask.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import DataError
from edge_runtime.images import read_image
from edge_runtime.preprocessing import Preprocessing
from train.data.cache import synthetic_image
from train.data.sources import Sample

__all__ = ["has_mask", "load_mask"]

_HALF = 128


def has_mask(sample: Sample) -> bool:
    """Whether the source brings a mask for this image; it may still turn out empty."""
    return sample.mask_path is not None or sample.synthetic is not None


def load_mask(
    sample: Sample, preprocessing: Preprocessing, frame_size: tuple[int, int] | None = None
) -> NDArray[np.bool_] | None:
    """The lesion in network pixels.

    Args:
        sample: one image of the listing.
        preprocessing: the same as for the image, so that mask and image stay aligned.
        frame_size: height and width of the image, to check that the mask has the same.

    Returns:
        bool ``[H, W]``, or None where there is no mask or it marks nothing.

    Raises:
        DataError: the mask cannot be read or has another size than its image.
    """
    if sample.synthetic is not None:
        mask = synthetic_image(sample).mask
    elif sample.mask_path is not None:
        mask = read_image(sample.mask_path)[..., 0] >= _HALF
        if frame_size is not None and mask.shape != frame_size:
            raise DataError(
                f"the mask {sample.mask_path} is {mask.shape[1]}x{mask.shape[0]} and its image "
                f"{frame_size[1]}x{frame_size[0]} pixels; they must have the same size."
            )
    else:
        return None
    if not mask.any():
        return None
    painted = np.repeat(mask[..., None].astype(np.uint8) * 255, 3, axis=2)
    seen = preprocessing.apply(painted)[..., 0] >= _HALF
    return seen if seen.any() else None
