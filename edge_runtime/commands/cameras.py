"""The command ``saliedge cameras``: what ``--camera`` can be given on this machine."""

from __future__ import annotations

import json

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.reporting.text_table import text_table

__all__ = ["cameras"]

_EPILOG = """\b
Examples:
  saliedge cameras
  saliedge cameras --json
  edge-infer --bundle first.edge --camera /dev/video0 --camera-format MJPG

\b
Video files, folders, RTSP and HTTP streams and `synthetic:` need no camera:
see --source of edge-infer.
"""


@click.command("cameras", epilog=_EPILOG, context_settings=SETTINGS)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def cameras(as_json: bool) -> None:
    """List the cameras of this machine: V4L2 devices and Pi camera modules.

    No picture is taken. Having no camera is no error.
    """
    from edge_runtime.sources.discovery import find_cameras

    found = find_cameras()
    if as_json:
        click.echo(json.dumps([camera.to_json() for camera in found], indent=1))
        return
    if not found:
        click.echo(
            "No camera is here. Connect one, or try without: edge-infer --source "
            "'synthetic:?fps=25'."
        )
        return
    rows = [
        (
            camera.specification,
            camera.name,
            camera.driver,
            " ".join(camera.formats),
            camera.problem or "usable",
        )
        for camera in found
    ]
    click.echo(text_table(("--camera", "name", "driver", "formats", "state"), rows))
