"""What is written on a picture for people: the shown label, or that there is none to show."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import Prediction

__all__ = ["captioned", "write_caption"]

_LEAST_HEIGHT = 9


def captioned(picture: NDArray[np.uint8], prediction: Prediction) -> NDArray[np.uint8]:
    """Return a copy of a picture with the label, its probability and what the map is about.

    Args:
        picture: uint8 ``[H, W, 3]``.
        prediction: What is known about it.
    """
    text = _ascii(prediction.shown_text)
    if prediction.saliency_class not in (None, prediction.shown_label):
        text += f", map of {_ascii(prediction.saliency_class)}"
    if prediction.evidence is not None and prediction.evidence.no_signal:
        text += ", map without signal"
    image = picture.copy()
    write_caption(image, text)
    return image


def write_caption(image: NDArray[np.uint8], text: str) -> None:
    """Write ASCII text into the top left corner of a picture ``[H, W, 3]``, in place."""
    height, width = image.shape[:2]
    font, reference = cv2.FONT_HERSHEY_SIMPLEX, 1.0
    (text_width, text_height), _ = cv2.getTextSize(text, font, reference, 1)
    # A twentieth of the height and no less than can be read, unless a long name needs it.
    scale = min(max(height / 20, _LEAST_HEIGHT) / text_height, 0.9 * width / text_width)
    place = (round(width * 0.02), round(height * 0.03 + text_height * scale))
    thickness = max(1, round(scale * 1.6))
    # An outline of copies: a bolder text would have another width.
    for right, down in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        moved = (place[0] + right, place[1] + down)
        cv2.putText(image, text, moved, font, scale, (0, 0, 0), thickness, cv2.LINE_AA)
    cv2.putText(image, text, place, font, scale, (255, 255, 255), thickness, cv2.LINE_AA)


def _ascii(text: str) -> str:
    """Return the nearest ASCII: OpenCV's font has nothing else."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return plain.encode("ascii", "replace").decode("ascii")
