"""From stored DICOM values to 8-bit grey, as a viewer shows them (PS3.3, C.7.6.3 and C.11).

1. *Modality*: value = slope * stored + intercept, or the modality look-up table.
2. *Window*, the first one of the file: a VOI look-up table, or centre c and width w with the
   function that the file names (PS3.3, C.11.2.1.2 and C.11.2.1.3), here for levels from 0 to 255:

   - LINEAR (default): ((x - (c - 0.5)) / (w - 1) + 0.5) * 255, clipped to 0 and 255;
   - LINEAR_EXACT: ((x - c) / w + 0.5) * 255, clipped;
   - SIGMOID: 255 / (1 + exp(-4 (x - c) / w)).

   Without a window, 8-bit files without rescaling are taken as they are, and in others the
   frame's own smallest and largest value (of pixels that are not padding) become 0 and 255.
3. *Rounding* half up; MONOCHROME1 is inverted, so that more is always brighter; padding is black.

In files with functional groups (enhanced multi-frame), those of the frame come before the shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["display_levels"]

_TOP = 255
_MODALITY = ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence")
_WINDOW = ("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence")
_OF_FRAME = {
    **dict.fromkeys(_MODALITY, "PixelValueTransformationSequence"),
    **dict.fromkeys(_WINDOW, "FrameVOILUTSequence"),
}


def display_levels(stored: NDArray[Any], dataset: Dataset, frame: int) -> NDArray[np.uint8]:
    """Grey levels of one frame.

    Args:
        stored: whole numbers ``[H, W]``, as decoded.
        dataset: the file's elements.
        frame: counts from 0.

    Returns:
        uint8 ``[H, W]``.
    """
    from pydicom import Dataset
    from pydicom.pixels import apply_modality_lut, apply_voi

    found = Dataset()
    found.file_meta = dataset.file_meta  # tells the byte order of tables
    for name in _OF_FRAME:
        value = _element(dataset, name, frame)
        if value is not None:
            setattr(found, name, value)
    padded = _padding(stored, dataset)
    values = np.asarray(apply_modality_lut(stored, found), dtype=np.float64)
    if found.get("VOILUTSequence"):
        bits = int(found.VOILUTSequence[0].LUTDescriptor[2])
        looked_up = apply_voi(values.astype(np.int64), found, 0)
        levels = looked_up.astype(np.float64) * _TOP / (2**bits - 1)
    else:
        # Many 8-bit files spell out a slope of 1 and an intercept of 0.
        as_they_are = int(dataset.BitsStored) == 8 and np.array_equal(values, stored)
        levels = _windowed(values, found, padded, as_they_are)
    grey: NDArray[np.uint8] = np.floor(np.clip(levels, 0, _TOP) + 0.5).astype(np.uint8)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        np.subtract(_TOP, grey, out=grey)
    grey[padded] = 0
    return grey


def _windowed(
    values: NDArray[np.float64], found: Dataset, padded: NDArray[np.bool_], as_they_are: bool
) -> NDArray[np.float64]:
    window = _window(found)
    if window is not None:
        centre, width = window
        function = str(found.get("VOILUTFunction") or "LINEAR").upper()
        if function == "SIGMOID":
            # The argument is kept where exp does not overflow.
            return _TOP / (1 + np.exp(np.clip(-4 * (values - centre) / width, -500, 500)))
        if function == "LINEAR_EXACT":
            return ((values - centre) / width + 0.5) * _TOP
        if width > 1:
            return ((values - (centre - 0.5)) / (width - 1) + 0.5) * _TOP
        return np.where(values > centre - 0.5, float(_TOP), 0.0)
    if as_they_are:
        return values
    seen = values[~padded]
    if seen.size == 0 or seen.min() == seen.max():
        return np.zeros_like(values)
    low, high = float(seen.min()), float(seen.max())
    return (values - low) / (high - low) * _TOP


def _padding(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.bool_]:
    """Pixels that hold the padding value, or one from it to the padding range's limit."""
    one = dataset.get("PixelPaddingValue")
    if one is None:
        return np.zeros(stored.shape, dtype=bool)
    other = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((int(one), int(one if other is None else other)))
    return np.asarray((stored >= low) & (stored <= high))


def _element(dataset: Dataset, name: str, frame: int) -> Any:
    """An element of the frame's functional group, of the shared one, or of the file; or None."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    groups = [*per_frame[frame : frame + 1], *(dataset.get("SharedFunctionalGroupsSequence") or [])]
    for group in groups:
        for macro in group.get(_OF_FRAME[name]) or []:
            if name in macro:
                return macro[name].value
    return dataset.get(name)


def _window(found: Dataset) -> tuple[float, float] | None:
    """Centre and width of the first window, or None if there is no usable one."""
    first = []
    for name in ("WindowCenter", "WindowWidth"):
        value = found.get(name)
        values = [value] if isinstance(value, int | float | str) else list(value or ())
        if not values or values[0] in (None, ""):
            return None
        first.append(float(values[0]))
    return (first[0], first[1]) if first[1] > 0 else None
