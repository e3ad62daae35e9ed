"""Options that several commands of ``bench`` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from edge_runtime.option_group import give_options
from edge_runtime.plugin_choice import PluginChoice
from edge_runtime.plugins import ENGINES

__all__ = [
    "engines_option",
    "remote_options",
    "saliencies_option",
    "several_threads_option",
    "threads_option",
]

_ENGINE_NAMES = ("onnx", "litert", "tflite-runtime")

engines_option = click.option(
    "--engine",
    "engines",
    multiple=True,
    type=PluginChoice(_ENGINE_NAMES, ENGINES),
    help="Engine to measure, also an installed plug-in's; can be repeated. Default: all of these "
    "that are installed.",
)
saliencies_option = click.option(
    "--saliency",
    "saliencies",
    multiple=True,
    type=click.Choice(["none", "cam", "gradient-early", "gradient"]),
    help="Map to measure; can be repeated. Default: all that the bundle has.",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads of the engine. Default: the processors, up to 4.",
)
several_threads_option = click.option(
    "--threads",
    multiple=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads of the engine; can be repeated. Default: the processors, up to 4.",
)


_REMOTE = (
    click.option(
        "--host", metavar="USER@BOARD", help="Measure there, over SSH, and bring it back."
    ),
    click.option(
        "--ssh-config",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        metavar="FILE",
        help="With --host: configuration of the SSH client.",
    ),
    click.option(
        "--remote-python",
        default="python3",
        show_default=True,
        metavar="PYTHON",
        help="With --host: a Python there that has an engine.",
    ),
)


def remote_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add ``--host`` and what belongs to it: ``host``, ``ssh_config``, ``remote_python``."""
    return give_options(command, _REMOTE)
