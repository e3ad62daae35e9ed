"""Options that several commands of ``bench`` share."""

from __future__ import annotations

import click

__all__ = ["engines_option", "saliencies_option", "threads_option"]

_ENGINE_NAMES = ("onnx", "litert", "tflite-runtime")

engines_option = click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(_ENGINE_NAMES),
    help="Engine to measure; can be repeated. Default: all that are installed.",
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
