"""The command ``edge-infer`` (also ``saliedge infer``): classify a camera, video or images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

import click

from edge_runtime import __version__
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import UsageError, run_command
from edge_runtime.infer.collector import late_collection
from edge_runtime.infer.config_file import config_option, prefer_flags
from edge_runtime.infer.options import TRIAL_FRAMES, InferOptions
from edge_runtime.infer.output_options import output_options, take_outputs
from edge_runtime.infer.page_options import page_options, take_page
from edge_runtime.plugin_choice import PluginChoice
from edge_runtime.plugins import ENGINES
from edge_runtime.supported_system import require_supported_system

__all__ = ["infer", "main"]

_ENGINE_NAMES = ("onnx", "litert", "tflite-runtime")

_EPILOG = """\b
Examples:
  edge-infer --bundle first.edge --source photo.jpg
  edge-infer --bundle first.edge --source photos --jsonl out.jsonl --save-saliency maps
  edge-infer --bundle first.edge --source film.mp4 --save-overlay film-explained.mp4
  edge-infer --bundle first.edge --source "synthetic:?seed=7&frames=200" --engine litert
  edge-infer --bundle first.edge --camera /dev/video0 --saliency cam --max-frames 500
  edge-infer --bundle first.edge --camera picamera2 --jsonl -
  edge-infer --bundle first.edge --camera --show
  edge-infer --config /etc/saliedge/edge-infer.toml
  edge-infer --bundle first.edge --camera --serve
  edge-infer --bundle first.edge --camera --serve 0.0.0.0:8642 --tls-cert c.pem --tls-key k.pem
  edge-infer --bundle first.edge --camera 0 --camera-size 1280x720 --camera-format MJPG

\b
Ctrl-C and SIGTERM end the run in order: what was written is put in place, the
summary is printed, and the exit code is 130 or 143. A file of JSON lines or a
video appears under its name only then, or at the end of the source.
"""


def _size(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", value)
    if match is None:
        raise click.BadParameter(f"{value!r} is no size; write WIDTHxHEIGHT, e.g. 640x480.")
    return int(match[1]), int(match[2])


@click.command(
    "infer",
    epilog=_EPILOG,
    # Further words are refused below, with what a shell made of `--source photos/*.jpg` in mind.
    context_settings={**SETTINGS, "allow_extra_args": True},
)
@config_option
@click.option(
    "--bundle",
    metavar="NAME.edge",
    help="The bundle to run. Default: what was chosen with `saliedge models use`.",
)
@click.option("--state-dir", metavar="DIR", help="Where the models are; see `saliedge models -h`.")
@click.option(
    "--public-key",
    multiple=True,
    metavar="FILE",
    help="Run only what one of these keys signed; may be repeated.",
)
@click.option(
    "--trial-frames",
    type=click.IntRange(min=1),
    default=TRIAL_FRAMES,
    show_default=True,
    metavar="N",
    help="Frames after which a newly chosen model has proved itself.",
)
@click.option(
    "--camera",
    is_flag=False,
    flag_value="0",
    metavar="[SPEC]",
    help="A camera: number, /dev/video*, picamera2[:N] (see `saliedge cameras`) or an installed "
    "plug-in's name. Without SPEC the first.",
)
@click.option(
    "--camera-size",
    callback=_size,
    metavar="WxH",
    help="Wanted frame size, e.g. 1280x720; the camera may choose another.",
)
@click.option(
    "--camera-fps", type=float, metavar="N", help="Wanted frames a second, as --camera-size."
)
@click.option("--camera-format", metavar="NAME", help="Pixel format, e.g. MJPG, YUYV or BGR888.")
@click.option(
    "--reconnect",
    type=click.Choice(["after-start", "always", "never"]),
    default="after-start",
    show_default=True,
    help="Whether a camera or live stream is looked for again when it is lost; with `always` also "
    "when it is not there at the start.",
)
@click.option(
    "--stall-seconds",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="A camera that gives nothing for so long counts as lost.",
)
@click.option(
    "--source", metavar="PATH|DIR|URL|synthetic:", help="Images, a folder, a video or a stream."
)
@click.option(
    "--engine",
    type=PluginChoice(_ENGINE_NAMES, ENGINES),
    help="Inference engine, also an installed plug-in's. Default: the first of these that is "
    "installed.",
)
@click.option(
    "--saliency",
    type=click.Choice(["gradient", "gradient-early", "cam", "none"]),
    help="Map of what decided. Default: the first of gradient-early, gradient and cam that the "
    "bundle has if an option needs a map, else none.",
)
@click.option("--saliency-class", metavar="NAME", help="Class to explain. Default: the top class.")
@click.option(
    "--saliency-every",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="A map for every Nth frame only; the others cost no more than without maps.",
)
@click.option(
    "--saliency-copies",
    type=click.IntRange(min=0, max=64),
    default=0,
    show_default=True,
    metavar="N",
    help="SmoothGrad: the mean of the maps of N noisy copies of the frame, which is calmer and "
    "points better; each costs as much as a map.",
)
@click.option(
    "--calm-seconds",
    type=click.FloatRange(min=0, max=3600),
    default=1.0,
    show_default=True,
    help="The shown label goes by the mean over this time; 0 for every frame's own.",
)
@click.option(
    "--calm-margin",
    type=click.FloatRange(min=0, max=1),
    default=0.1,
    show_default=True,
    help="How much more probable another class must be to replace the shown one.",
)
@click.option("--jsonl", metavar="FILE", help="Write one JSON line per frame; - for stdout.")
@click.option("--save-saliency", metavar="DIR", help="Write raw float32 maps as .npy files.")
@click.option("--save-overlay", metavar="DIR|FILE.mp4", help="Write pictures with the map on them.")
@click.option(
    "--show",
    is_flag=True,
    help="Show them in a window on this device's screen; q closes it and ends the run.",
)
@page_options
@output_options
@click.option("--max-frames", type=click.IntRange(min=1), metavar="N", help="End after N frames.")
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="Threads of the engine (up to 4)."
)
@click.option("--skip-bad", is_flag=True, help="List unreadable images and go on.")
@click.option("--force", is_flag=True, help="Replace earlier outputs.")
@click.version_option(__version__, prog_name="edge-infer")
def infer(**arguments: object) -> None:
    """Classify a camera, a video or images with a bundle, and show what decided.

    For research use, not a diagnosis. Nothing is stored or sent unless an option asks for it.
    """
    context = click.get_current_context()
    if context.args:
        raise UsageError(
            f"{context.args[0]!r} belongs to no option; --source takes one name: for many images "
            "that of their folder."
        )
    prefer_flags(context, arguments, "camera", "source")
    page, outputs = take_page(arguments), take_outputs(arguments)
    options = InferOptions(**arguments, page=page, outputs=outputs)  # type: ignore[arg-type]  # click has checked the types
    require_supported_system()
    with late_collection() as begin_to_collect:
        # Imported here, so that --help and a wrong option cost no engine and no OpenCV.
        from edge_runtime.infer.run import run_inference

        code = run_inference(options, begin_to_collect)
    if code:
        context.exit(code)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of the script ``edge-infer``."""
    run_command(infer, arguments, name="edge-infer")


if __name__ == "__main__":
    main()
