"""What ``--source`` and ``--camera`` say, and opening it."""

from __future__ import annotations

import re
from pathlib import Path

from edge_runtime.errors import UsageError
from edge_runtime.sources.base import BadImageHandler, Source
from edge_runtime.sources.synthetic import SYNTHETIC_PREFIX, SyntheticOptions, SyntheticSource

__all__ = ["open_camera", "open_source"]


def open_source(specification: str, on_bad: BadImageHandler | None = None) -> Source:
    """Open ``PATH|DIR|URL|synthetic:``.

    Args:
        specification: An image or video file, a folder of them, a URL, or ``synthetic:`` with an
            optional query (see :class:`~edge_runtime.sources.synthetic.SyntheticOptions`).
        on_bad: Called for each unreadable file of a folder instead of stopping at it.

    Raises:
        UsageError: The URL's scheme or the query is not known.
        DataError: The path is missing, or the folder holds no images.
        SourceError: The video or stream cannot be opened.
    """
    if specification.startswith(SYNTHETIC_PREFIX):
        return SyntheticSource(SyntheticOptions.parse(specification))
    # The readers import OpenCV's video part; only what is asked for is loaded.
    from edge_runtime.sources.files import FileSource
    from edge_runtime.sources.video import (
        STREAM_SCHEMES,
        VIDEO_SUFFIXES,
        StreamSource,
        VideoSource,
        without_credentials,
    )

    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", specification)
    if scheme is not None:
        if scheme[1].lower() not in STREAM_SCHEMES:
            raise UsageError(
                f"URLs like {without_credentials(specification)} are not read; use one of: "
                f"{', '.join(sorted(STREAM_SCHEMES))}."
            )
        return StreamSource(specification)
    path = Path(specification)
    if path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES:
        return VideoSource(path)
    return FileSource(path, on_bad)


def open_camera(specification: str) -> Source:
    """Open a number, ``/dev/video*`` or ``picamera2[:N]``.

    Raises:
        UsageError: The specification is none of these.
        DependencyError: Picamera2 is asked for and not installed.
        SourceError: There is no such camera, or it cannot be opened.
    """
    if re.fullmatch(r"\d{1,4}", specification):
        specification = f"/dev/video{int(specification)}"
    if re.fullmatch(r"/dev/video[A-Za-z0-9_-]+", specification):
        from edge_runtime.sources.camera import V4l2Source

        return V4l2Source(specification)
    module = re.fullmatch(r"picamera2(?::(\d{1,4}))?", specification)
    if module is not None:
        from edge_runtime.sources.picamera import PicameraSource

        return PicameraSource(int(module[1] or 0))
    raise UsageError(
        f"There is no camera {specification!r}; give a number, /dev/video* or picamera2[:N]."
    )
