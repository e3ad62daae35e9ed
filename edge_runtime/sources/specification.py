"""What ``--source`` and ``--camera`` say, and opening it."""

from __future__ import annotations

import re
from pathlib import Path

from edge_runtime import plugins
from edge_runtime.errors import UsageError
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.sources.base import BadImageHandler, Source
from edge_runtime.sources.synthetic import SYNTHETIC_PREFIX, SyntheticOptions, SyntheticSource

__all__ = ["CameraOptions", "camera_name", "open_camera", "open_source"]

_MAX_SIDE = 16384


@dataclass(frozen=True)
class CameraOptions:
    """What is wanted of a camera; the driver's own choice where None.

    Attributes:
        size_wh: Frame width and height, pixels.
        fps: Frames a second.
        pixel_format: ``MJPG``, ``YUYV`` and so on (V4L2), ``BGR888`` and so on (Picamera2).
    """

    size_wh: tuple[int, int] | None = None
    fps: float | None = None
    pixel_format: str | None = None

    def __post_init__(self) -> None:
        if self.size_wh is not None and not all(1 <= side <= _MAX_SIDE for side in self.size_wh):
            raise UsageError(f"A camera's width and height must be 1 to {_MAX_SIDE} pixels.")
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise UsageError("A camera's frame rate must be above 0 and at most 1000.")


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

    Examples:
        >>> with open_source("synthetic:?seed=7&frames=2") as source:
        ...     [(frame.index, frame.image.shape) for frame in source]
        [(0, (480, 640, 3)), (1, (480, 640, 3))]
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


def open_camera(specification: str, options: CameraOptions | None = None) -> Source:
    """Open a number, ``/dev/video*``, ``/dev/v4l/by-id/*``, ``picamera2[:N]`` or a plug-in's name.

    Raises:
        UsageError: The specification is none of these, or the pixel format is no such camera's.
        DependencyError: Picamera2 is asked for and not installed, or the plug-in is broken.
        SourceError: There is no such camera, or it cannot be opened.
    """
    options = options or CameraOptions()
    name = camera_name(specification)
    plugin = _plugin(name)
    if plugin is not None:
        source: Source = plugin.make(Source, specification, options)
        return source
    if name.startswith("/dev/"):
        from edge_runtime.sources.camera import V4l2Source

        if options.pixel_format is not None and len(options.pixel_format) != 4:
            raise UsageError(
                f"{options.pixel_format!r} is no pixel format of a V4L2 camera; give its four "
                f"characters, e.g. MJPG."
            )
        width, height = options.size_wh or (None, None)
        return V4l2Source(name, width, height, options.fps, options.pixel_format)
    from edge_runtime.sources.picamera import PICAMERA_FORMATS, PicameraSource

    if options.pixel_format not in (None, *PICAMERA_FORMATS):
        raise UsageError(
            f"{options.pixel_format!r} is no pixel format for a Pi camera; choose one of: "
            f"{', '.join(PICAMERA_FORMATS)}."
        )
    wanted = {
        key: value
        for key, value in (
            ("size_wh", options.size_wh),
            ("fps", options.fps),
            ("pixel_format", options.pixel_format),
        )
        if value is not None
    }
    return PicameraSource(int(name.partition(":")[2]), **wanted)  # type: ignore[arg-type]


def camera_name(specification: str) -> str:
    """Return how a camera is called in records: its device, ``picamera2:N``, else as it was given.

    Raises:
        UsageError: The specification is none of those of :func:`open_camera`.
    """
    if re.fullmatch(r"\d{1,4}", specification):
        return f"/dev/video{int(specification)}"
    if re.fullmatch(r"/dev/(video[A-Za-z0-9_-]+|v4l/by-(id|path)/[^/]+)", specification):
        return specification
    module = re.fullmatch(r"picamera2(?::(\d{1,4}))?", specification)
    if module is not None:
        return f"picamera2:{int(module[1] or 0)}"
    if _plugin(specification) is not None:
        return specification
    raise UsageError(
        f"There is no camera {specification!r}; give a number, /dev/video* or picamera2[:N]"
        + "".join(f" or {name}" for name in plugins.names_of_plugins(plugins.CAMERAS))
        + "."
    )


def _plugin(name: str) -> plugins.Plugin | None:
    """Return the plug-in of ``NAME`` or ``NAME:ANYTHING``; None for a camera of this project."""
    if name.startswith("/dev/") or re.fullmatch(r"picamera2:\d+", name):
        return None
    return plugins.find_plugin(plugins.CAMERAS, name.partition(":")[0])
