"""Pictures with the saliency map drawn on them: a folder of images, or a film."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import Prediction
from edge_runtime.errors import OutputError
from edge_runtime.files import PendingFile, atomic_write_bytes, refuse_existing
from edge_runtime.preprocessing import Preprocessing
from edge_runtime.sinks.base import FrameFiles, Sink
from edge_runtime.sources.base import SourceStatus
from edge_runtime.sources.opencv import quiet_opencv

__all__ = ["OverlayFilmSink", "OverlayFolderSink", "open_overlay_sink"]

_FILM_SUFFIX = ".mp4"
_DEFAULT_FPS = 25.0
_JPEG_QUALITY = 92


def open_overlay_sink(target: str, fps: float | None, force: bool = False) -> Sink:
    """Open a folder of images, or a film if the name ends in ``.mp4``.

    Args:
        target: ``DIR`` or ``FILE.mp4``.
        fps: Frame rate of the film; 25 if None.
        force: Replace an earlier film, or write into a folder that is not empty.

    Raises:
        OutputError: It exists without ``force``, or cannot be written.
    """
    path = Path(target)
    if path.suffix.lower() == _FILM_SUFFIX:
        return OverlayFilmSink(path, fps or _DEFAULT_FPS, force)
    return OverlayFolderSink(path, force)


class OverlayFolderSink(Sink):
    """A folder of JPEG files whose paths mirror the source's; each is whole when it appears.

    Raises:
        OutputError: The folder is not empty and ``force`` is not given, or cannot be written.
    """

    wants_picture = True

    def __init__(self, folder: Path, force: bool = False) -> None:
        refuse_existing(folder, force)
        self._files = FrameFiles(folder, ".jpg")

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Write the picture of one frame."""
        data = _jpeg(_captioned(_required(picture), prediction))
        atomic_write_bytes(self._files.path(prediction.frame), data, durable=False)

    def close(self, keep: bool) -> None:
        """Do nothing: every file is in place already."""


class OverlayFilmSink(Sink):
    """An MPEG-4 film; frames of another size than the first are fitted into it.

    It is written to a hidden file beside the target and put in place like the JSON lines are (see
    :class:`~edge_runtime.sinks.json_lines.JsonLinesSink`).

    Raises:
        OutputError: The file exists without ``force``, or cannot be written.
    """

    wants_picture = True

    def __init__(self, path: Path, fps: float, force: bool = False) -> None:
        refuse_existing(path, force)
        self._pending = PendingFile(path)
        self._fps = fps
        self._writer: Any = None
        self._fit: Preprocessing | None = None
        self._frames = 0

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Append the picture of one frame."""
        image = _captioned(_required(picture), prediction)
        if self._fit is None:
            # The codec halves the colour resolution, so it wants even sides.
            height, width = (max(2, side - side % 2) for side in image.shape[:2])
            self._fit = Preprocessing(height, width, "letterbox")
            self._writer = cv2.VideoWriter(
                str(self._pending.path), cv2.VideoWriter.fourcc(*"mp4v"), self._fps, (width, height)
            )
            if not self._writer.isOpened():
                raise OutputError(
                    f"{self._pending.target} cannot be written as a film; choose another place."
                )
        self._writer.write(cv2.cvtColor(self._fit.apply(image), cv2.COLOR_RGB2BGR))
        self._frames += 1

    def source_changed(self, status: SourceStatus) -> None:
        """Show for a second that the camera was lost, in place of a picture."""
        if status.state == "lost" and self._fit is not None:
            notice = np.zeros((self._fit.height, self._fit.width, 3), np.uint8)
            _write_caption(notice, "camera lost")
            for _ in range(max(1, round(self._fps))):
                self._writer.write(notice)
                self._frames += 1

    def close(self, keep: bool) -> None:
        """Finish the film and put it in place, or remove it."""
        if self._writer is not None:
            self._writer.release()
        if not keep or self._writer is None:
            self._pending.discard()
            return
        # The writer tells of no failure, so the film itself is asked.
        with quiet_opencv():
            film = cv2.VideoCapture(str(self._pending.path.resolve()), cv2.CAP_FFMPEG)
            stored = film.get(cv2.CAP_PROP_FRAME_COUNT) if film.isOpened() else 0
            film.release()
        if stored < self._frames:
            self._pending.discard()
            raise OutputError(
                f"{self._pending.target} could not be written whole; check the free space of its "
                f"disk."
            )
        self._pending.commit()


def _required(picture: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    if picture is None:
        raise ValueError("an overlay sink needs the picture")
    return picture


def _captioned(picture: NDArray[np.uint8], prediction: Prediction) -> NDArray[np.uint8]:
    """Return the picture with the label, its probability and what the map is about."""
    text = _ascii(prediction.shown_text)
    if prediction.saliency_class not in (None, prediction.shown_label):
        text += f", map of {_ascii(prediction.saliency_class)}"
    image = picture.copy()
    _write_caption(image, text)
    return image


def _write_caption(image: NDArray[np.uint8], text: str) -> None:
    """Write ASCII text into the top left corner of a picture ``[H, W, 3]``, in place."""
    height, width = image.shape[:2]
    font, reference = cv2.FONT_HERSHEY_SIMPLEX, 1.0
    (text_width, text_height), _ = cv2.getTextSize(text, font, reference, 1)
    # A twentieth of the height, unless a long name needs to be smaller.
    scale = min(height / 20 / text_height, 0.9 * width / text_width)
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


def _jpeg(image_rgb: NDArray[np.uint8]) -> bytes:
    bgr = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
    encoded, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not encoded:
        raise OutputError(f"A picture of {image_rgb.shape} cannot be encoded as JPEG.")
    return bytes(data)
