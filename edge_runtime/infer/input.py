"""What ``edge-infer`` looks at: opening it, and opening it again."""

from __future__ import annotations

import click

from edge_runtime.errors import SaliedgeError, SourceError
from edge_runtime.infer.options import InferOptions
from edge_runtime.sources import (
    AbsentSource,
    BadImageHandler,
    CameraOptions,
    Reconnection,
    Source,
    open_camera,
    open_source,
)
from edge_runtime.sources.specification import camera_name

__all__ = ["open_input", "reconnection"]


def open_input(options: InferOptions, skipped: list[str]) -> Source:
    """Open the camera or source that the options name.

    Args:
        options: The options.
        skipped: Gets the names of unreadable files, if they are to be skipped.

    Raises:
        UsageError: There is no such kind of camera or source.
        DataError: The path is missing, or holds no image.
        DependencyError: The camera needs a package that is not installed.
        SourceError: It cannot be opened, and is not to be waited for.
    """

    def skip(path: str, error: SaliedgeError) -> None:
        skipped.append(path)
        click.echo(f"Skipped: {error}", err=True)

    def refuse(path: str, error: SaliedgeError) -> None:
        text = str(error).removesuffix(".")
        raise type(error)(f"{text}, or leave such files out with --skip-bad.") from error

    try:
        return _open(options, skip if options.skip_bad else refuse)
    except SourceError as error:
        if options.reconnect != "always" or not _may_come(options):
            raise
        return AbsentSource(_name(options), error)


def reconnection(options: InferOptions, source: Source) -> Reconnection | None:
    """Return how a camera or a live stream is opened again; None if it is not to be."""
    if options.reconnect == "never" or not source.live:
        return None
    return Reconnection(lambda: _open(options))


def _open(options: InferOptions, on_bad: BadImageHandler | None = None) -> Source:
    if options.camera is None:
        return open_source(str(options.source), on_bad)
    wanted = CameraOptions(options.camera_size, options.camera_fps, options.camera_format)
    return open_camera(options.camera, wanted)


def _may_come(options: InferOptions) -> bool:
    """Whether what is not there yet may come: a camera or a stream, but no file."""
    return options.camera is not None or "://" in str(options.source)


def _name(options: InferOptions) -> str:
    if options.camera is not None:
        return camera_name(options.camera)
    from edge_runtime.sources.video import without_credentials

    return without_credentials(str(options.source))
