"""Pictures with the saliency map drawn on them: a folder of images, or a video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import Prediction
from edge_runtime.errors import OutputError
from edge_runtime.files import PendingFile, atomic_write_bytes, refuse_existing
from edge_runtime.image_files import IMAGE_SUFFIXES
from edge_runtime.preprocessing import Preprocessing
from edge_runtime.sinks.base import FrameFiles, Sink
from edge_runtime.sinks.caption import captioned, write_caption
from edge_runtime.sources.base import SourceStatus
from edge_runtime.sources.opencv import quiet_opencv
from edge_runtime.sources.video import VIDEO_SUFFIXES

__all__ = ["OverlayFolderSink", "OverlayVideoSink", "open_overlay_sink"]

_VIDEO_SUFFIX = ".mp4"
_DEFAULT_FPS = 25.0
_JPEG_QUALITY = 92


def open_overlay_sink(target: str, fps: float | None, force: bool = False) -> Sink:
    """Open a folder of images, or a video if the name ends in ``.mp4``.

    Args:
        target: ``DIR`` or ``FILE.mp4``.
        fps: Frame rate of the video; 25 if None.
        force: Replace an earlier video, or write into a folder that is not empty.

    Raises:
        OutputError: It exists without ``force``, cannot be written, or is named like a picture or
            another kind of video.
    """
    path = Path(target)
    if path.suffix.lower() == _VIDEO_SUFFIX:
        return OverlayVideoSink(path, fps or _DEFAULT_FPS, force)
    if path.suffix.lower() in VIDEO_SUFFIXES | IMAGE_SUFFIXES and not path.is_dir():
        raise OutputError(
            f"{target} is named like a {path.suffix.lower()} file; name a folder for pictures, or "
            "FILE.mp4 for a video."
        )
    return OverlayFolderSink(path, force)


class OverlayFolderSink(Sink):
    """A folder of JPEG files whose paths mirror the source's; each is whole when it appears.

    Raises:
        OutputError: The folder is not empty and ``force`` is not given, or cannot be written.
    """

    wants_picture = True
    shows_distance = True

    def __init__(self, folder: Path, force: bool = False) -> None:
        refuse_existing(folder, force)
        self._files = FrameFiles(folder, ".jpg")

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Write the picture of one frame."""
        data = _jpeg(captioned(_required(picture), prediction))
        atomic_write_bytes(self._files.path(prediction.frame), data, durable=False)

    def close(self, keep: bool) -> None:
        """Do nothing: every file is in place already."""


class OverlayVideoSink(Sink):
    """An MPEG-4 video; frames of another size than the first are fitted into it.

    It is written to a hidden file beside the target and put in place like the JSON lines are (see
    :class:`~edge_runtime.sinks.json_lines.JsonLinesSink`).

    Raises:
        OutputError: The file exists without ``force``, or cannot be written.
    """

    wants_picture = True
    shows_distance = True

    def __init__(self, path: Path, fps: float, force: bool = False) -> None:
        refuse_existing(path, force)
        self._pending = PendingFile(path)
        self._fps = fps
        self._writer: Any = None
        self._fit: Preprocessing | None = None
        self._frames = 0

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Append the picture of one frame."""
        image = captioned(_required(picture), prediction)
        if self._fit is None:
            # The codec halves the colour resolution, so it wants even sides.
            height, width = (max(2, side - side % 2) for side in image.shape[:2])
            self._fit = Preprocessing(height, width, "letterbox")
            self._writer = cv2.VideoWriter(
                str(self._pending.path), cv2.VideoWriter.fourcc(*"mp4v"), self._fps, (width, height)
            )
            if not self._writer.isOpened():
                raise OutputError(
                    f"{self._pending.target} cannot be written as a video; choose another place."
                )
        self._writer.write(cv2.cvtColor(self._fit.apply(image), cv2.COLOR_RGB2BGR))
        self._frames += 1

    def source_changed(self, status: SourceStatus) -> None:
        """Show for a second that the camera was lost, in place of a picture."""
        if status.state == "lost" and self._fit is not None:
            notice = np.zeros((self._fit.height, self._fit.width, 3), np.uint8)
            write_caption(notice, "camera lost")
            for _ in range(max(1, round(self._fps))):
                self._writer.write(notice)
                self._frames += 1

    def close(self, keep: bool) -> None:
        """Finish the video and put it in place, or remove it."""
        if self._writer is not None:
            self._writer.release()
        if not keep or self._writer is None:
            self._pending.discard()
            return
        # The writer tells of no failure, so the video itself is asked.
        with quiet_opencv():
            video = cv2.VideoCapture(str(self._pending.path.resolve()), cv2.CAP_FFMPEG)
            stored = video.get(cv2.CAP_PROP_FRAME_COUNT) if video.isOpened() else 0
            video.release()
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


def _jpeg(image_rgb: NDArray[np.uint8]) -> bytes:
    bgr = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
    encoded, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not encoded:
        raise OutputError(f"A picture of {image_rgb.shape} cannot be encoded as JPEG.")
    return bytes(data)
