"""Still images and folders of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from edge_runtime.errors import DataError, SourceError
from edge_runtime.image_files import IMAGE_SUFFIXES
from edge_runtime.sources.base import BadImageHandler, CaptureTime, Frame, Source
from edge_runtime.sources.video import VIDEO_SUFFIXES, VideoSource

__all__ = ["FileSource"]


class FileSource(Source):
    """An image file, or every image and video of a folder and its sub-folders, in path order.

    Args:
        path: The file or folder.
        on_bad: Called for each file that cannot be read, which is then left out. Without it the
            first such file ends the iteration with its error.

    Raises:
        DataError: The path is missing, or a folder holds no image and no video.
    """

    def __init__(self, path: str | os.PathLike[str], on_bad: BadImageHandler | None = None) -> None:
        root = Path(path)
        self.name = root.name or str(root)
        self._on_bad = on_bad
        if root.is_dir():
            self._root = root
            self._paths = _media_files(root)
            if not self._paths:
                raise DataError(
                    f"{root} holds no images or videos "
                    f"({', '.join(sorted(IMAGE_SUFFIXES | VIDEO_SUFFIXES))}); check the path."
                )
        elif root.exists():
            self._root = root.parent
            self._paths = [root]
        else:
            advice = "name the folder, without a pattern" if "*" in str(root) else "check the path"
            raise DataError(f"{root} does not exist; {advice}.")

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self._paths)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the images, and each video's frames, in the order of their relative paths."""
        for path in self._paths:
            relative = path.relative_to(self._root)
            try:
                yield from self._frames_of(path, relative)
            except (DataError, SourceError) as error:
                if self._on_bad is None:
                    raise
                self._on_bad(relative.as_posix(), error)

    def _frames_of(self, path: Path, relative: Path) -> Iterator[Frame]:
        if path.suffix.lower() in VIDEO_SUFFIXES:
            with VideoSource(path, relative.as_posix()) as video:
                yield from video
            return
        from edge_runtime.images import read_image  # with Pillow, which no camera and film needs

        yield Frame(
            image=read_image(path),
            source=relative.as_posix(),
            index=0,
            captured_at=CaptureTime.now(),
            stem=relative.with_suffix("").as_posix(),
            still=True,
        )


def _media_files(root: Path) -> list[Path]:
    """List images and videos below a folder by relative path; hidden ones and links to folders not.

    Raises:
        DataError: A folder cannot be listed.
    """

    def refuse(error: OSError) -> None:
        raise DataError(
            f"{error.filename} cannot be listed ({error.strerror}); check its permissions."
        )

    found: list[Path] = []
    for parent, folders, names in os.walk(root, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(parent) / name
            for name in names
            if not name.startswith(".")
            and Path(name).suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES
        ]
    return sorted(found, key=lambda path: path.relative_to(root).as_posix())
