"""Reading still images strictly: any file becomes RGB bytes by one rule, or is an error.

The rule, in this order:

1. The EXIF orientation is applied, so that the picture is upright.
2. 16-bit grey is scaled to 8 bit, ``round(value * 255 / 65535)``; 16-bit colour keeps its high
   byte (the decoder does that).
3. Transparency is laid over black, the colour that surrounds an endoscopic picture.
4. Grey becomes three equal channels, as :func:`grey_to_rgb` does; palette, CMYK and the like
   become RGB as Pillow converts them.

A file that is cut short, is no image or holds several pictures (an animation, pages), is a
:class:`~edge_runtime.errors.DataError`; it is never filled up with grey, and no picture of several
is chosen. Reduced copies of a TIFF's only page and what cameras put behind a JPEG do not count.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from edge_runtime.errors import DataError

__all__ = ["decode_image", "grey_to_rgb", "read_image"]

_EXIF_ORIENTATION = 0x0112
_NEW_SUBFILE_TYPE, _REDUCED = 254, 1
# A JPEG and, behind it, previews or a second view for other programs.
_ONE_PICTURE = ("JPEG", "MPO")
_TRANSPOSE_OF_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read one image file.

    Args:
        path: An image in a format that Pillow knows.

    Returns:
        uint8 ``[H, W, 3]``, RGB, C-contiguous.

    Raises:
        DataError: The file is missing, unreadable, cut short or no image; it names the path.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the file.") from error
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode an image file held in memory; see :func:`read_image`.

    Args:
        data: The file's bytes.
        name: What to call it in an error.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            _refuse_several(image, name)
            image.load()
            upright = _upright(image)
            rgb = np.array(_to_rgb(upright, name), dtype=np.uint8, order="C")
    except DataError:
        raise
    except Exception as error:  # a decoder fed with damaged bytes raises nearly anything
        reason = "is empty" if not data else f"is damaged or no image ({_one_line(error)})"
        raise DataError(f"{name} {reason}; replace or remove it.") from error
    return rgb


def grey_to_rgb(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make a grey picture one of three equal channels: the rule for every source of images.

    Args:
        grey: uint8 ``[H, W]``.

    Returns:
        uint8 ``[H, W, 3]``, C-contiguous.
    """
    return np.repeat(grey[..., None], 3, axis=2)


def _refuse_several(image: Image.Image, name: str) -> None:
    """Refuse an animation and pages: a choice among them would be a guess that nobody sees."""
    pictures = 1 if image.format in _ONE_PICTURE else getattr(image, "n_frames", 1)
    if image.format == "TIFF" and pictures > 1:
        pictures = sum(_is_whole_page(image, index) for index in range(pictures))
        image.seek(0)
    if pictures > 1:
        raise DataError(
            f"{name} holds {pictures} pictures; make each a file of its own, or all a film."
        )


def _is_whole_page(tiff: Any, index: int) -> bool:
    tiff.seek(index)
    return not int(tiff.tag_v2.get(_NEW_SUBFILE_TYPE, 0)) & _REDUCED


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # damaged metadata does not make a good picture bad
        return image
    transpose = _TRANSPOSE_OF_ORIENTATION.get(orientation)
    return image if transpose is None else image.transpose(transpose)


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode == "F":
        raise DataError(
            f"{name} holds floating-point values without a known range; convert it to 8 or 16 bit."
        )
    if image.mode == "I" or image.mode.startswith("I;16"):
        values = np.clip(np.asarray(image, dtype=np.int64), 0, 65535)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba).convert(
            "RGB"
        )
    return image.convert("RGB")


def _one_line(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "of no known format"
    return " ".join(str(error).split())[:120] or type(error).__name__
