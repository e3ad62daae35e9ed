"""Options that several commands of ``bench`` share."""

from __future__ import annotations

import click

from edge_runtime.plugin_choice import PluginChoice
from edge_runtime.plugins import ENGINES

__all__ = ["engines_option", "saliencies_option", "threads_option"]

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
