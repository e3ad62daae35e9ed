"""Which files of a folder are images, by their names; nothing is opened."""

from __future__ import annotations

import os
from pathlib import Path

from edge_runtime.errors import DataError

__all__ = ["IMAGE_SUFFIXES", "list_images"]

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Suffixes, in lower case, of the files that count as images in a folder."""


def list_images(folder: str | os.PathLike[str], recursive: bool = False) -> list[Path]:
    """List the image files of a folder in the order of their relative paths.

    Hidden files and folders are left out (thumbnails and the like of desktop systems), and links
    to folders are not followed.

    Args:
        folder: Where to look.
        recursive: Whether to look into sub-folders too.

    Returns:
        Paths that begin with ``folder``; empty if there are none.

    Raises:
        DataError: ``folder`` is missing or no folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; check the path.")
    found: list[Path] = []
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        found += [
            Path(parent) / name
            for name in names
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES
        ]
    return sorted(found, key=lambda path: path.relative_to(root).as_posix())
