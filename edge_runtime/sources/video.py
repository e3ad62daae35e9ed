"""Video files and network streams through OpenCV's FFmpeg."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import cv2

from edge_runtime.errors import SourceError
from edge_runtime.sources.base import Frame, Source
from edge_runtime.sources.opencv import CaptureReader, quiet_opencv

__all__ = ["STREAM_SCHEMES", "VIDEO_SUFFIXES", "StreamSource", "VideoSource", "without_credentials"]

VIDEO_SUFFIXES = frozenset(
    {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm"}
)
"""Suffixes, in lower case, of the files that count as videos."""

STREAM_SCHEMES = frozenset({"http", "https", "rtmp", "rtmps", "rtsp", "rtsps", "srt", "tcp", "udp"})
"""Schemes of the URLs that are opened."""

_DEFAULT_FPS = 25.0
_OPEN_TIMEOUT_MS = 10_000
_READ_TIMEOUT_MS = 5_000


class _FfmpegSource(Source):
    """Frames of anything that FFmpeg opens."""

    def __init__(self, target: str, name: str, stem: str, shown: str) -> None:
        self.name = name
        self._stem = stem
        self._shown = shown
        timeouts = [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_TIMEOUT_MS),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, _READ_TIMEOUT_MS),
        ]
        with quiet_opencv():
            self._capture = cv2.VideoCapture(target, cv2.CAP_FFMPEG, timeouts)
        if not self._capture.isOpened():
            raise SourceError(f"{shown} {_why_closed(target)}; check that it plays.")
        self._reader = CaptureReader(self._capture)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = rate if 0 < rate < 1000 else None

    def __iter__(self) -> Iterator[Frame]:
        """Yield every frame until the end.

        Raises:
            SourceError: Not a single frame could be decoded.
        """
        index = 0
        while (read := self._reader.read()) is not None:
            image, taken_at = read
            yield Frame(
                image=image,
                source=self.name,
                index=index,
                captured_at=taken_at,
                stem=self._stem,
                video_seconds=None if self.live else index / (self.fps or _DEFAULT_FPS),
                pool=self._reader.pool,
            )
            index += 1
        if index == 0:
            raise SourceError(f"{self._shown} holds no frame that can be decoded; check it.")

    def close(self) -> None:
        """Close the file or connection."""
        self._capture.release()


def _why_closed(target: str) -> str:
    path = Path(target)
    return (
        "is empty" if path.is_file() and not path.stat().st_size else "cannot be opened as a video"
    )


class VideoSource(_FfmpegSource):
    """A video file; every frame is given, however long the reader takes.

    Args:
        path: The file.
        name: Relative path for records; the file's name if empty.

    Raises:
        SourceError: The file cannot be opened as a video.
    """

    def __init__(self, path: Path, name: str = "") -> None:
        name = name or path.name
        stem = PurePosixPath(name).with_suffix("").as_posix()
        # An absolute path, so that FFmpeg does not take a name with a colon for a protocol.
        super().__init__(str(path.resolve()), name, stem, str(path))


class StreamSource(_FfmpegSource):
    """A network stream. It is live unless its URL ends like a video file's.

    Args:
        url: URL with one of :data:`STREAM_SCHEMES`; credentials in it are used, never recorded.

    Raises:
        SourceError: The stream cannot be opened.
    """

    def __init__(self, url: str) -> None:
        from urllib.parse import urlsplit

        shown = without_credentials(url)
        parts = urlsplit(shown)
        last = PurePosixPath(parts.path)
        words = re.findall(r"[A-Za-z0-9_-]+", last.stem) or re.findall(r"\w+", parts.netloc)
        super().__init__(url, shown, "-".join(words) or "stream", shown)
        self.live = not (
            parts.scheme in ("http", "https") and last.suffix.lower() in VIDEO_SUFFIXES
        )

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames until the stream ends.

        Raises:
            SourceError: A live stream was lost.
        """
        yield from super().__iter__()
        if self.live:
            raise SourceError(f"{self.name} was lost; check the sender and the network.")


def without_credentials(url: str) -> str:
    """Return a URL without the user name and password in it."""
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
