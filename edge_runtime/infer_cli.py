"""The command ``edge-infer`` (also ``saliedge infer``): classify a camera, video or images."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from edge_runtime import __version__
from edge_runtime.errors import (
    OutputError,
    SaliedgeError,
    SourceError,
    UsageError,
    run_command,
)

if TYPE_CHECKING:
    from edge_runtime.bundle.reader import Bundle
    from edge_runtime.classifier import Prediction
    from edge_runtime.sinks.base import Sink
    from edge_runtime.sources.base import Source
    from edge_runtime.sources.latest import FrameFeed
    from edge_runtime.statistics import RunStatistics, RunSummary

__all__ = ["infer", "main"]

_LIVE_LINE_SECONDS = 0.2
_ENGINE_NAMES = ("onnx", "litert", "tflite-runtime")

_EPILOG = """\b
Examples:
  edge-infer --bundle first.edge --source photo.jpg
  edge-infer --bundle first.edge --source photos --jsonl out.jsonl --save-saliency maps
  edge-infer --bundle first.edge --source film.mp4 --save-overlay film-explained.mp4
  edge-infer --bundle first.edge --source "synthetic:?seed=7&frames=200" --engine litert
  edge-infer --bundle first.edge --camera /dev/video0 --saliency cam --max-frames 500
  edge-infer --bundle first.edge --camera picamera2 --jsonl -

\b
Ctrl-C and SIGTERM end the run in order: what was written is put in place, the
summary is printed, and the exit code is 130 or 143. A file of JSON lines or a
film appears under its name only then, or at the end of the source.
"""


@dataclass(frozen=True)
class InferOptions:
    """The options of the command, as given."""

    bundle: str
    camera: str | None
    source: str | None
    engine: str | None
    saliency: str | None
    saliency_class: str | None
    jsonl: str | None
    save_saliency: str | None
    save_overlay: str | None
    max_frames: int | None
    threads: int | None
    skip_bad: bool
    force: bool

    def __post_init__(self) -> None:
        if (self.camera is None) == (self.source is None):
            raise UsageError("Give either --camera or --source.")
        wants_map = self.save_saliency or self.save_overlay or self.saliency_class
        if self.saliency == "none" and wants_map:
            raise UsageError(
                "--save-saliency, --save-overlay and --saliency-class need a map: give --saliency "
                "gradient or --saliency cam."
            )

    @property
    def saliency_mode(self) -> str:
        """The mode asked for; ``gradient`` if only an option that needs a map was given."""
        if self.saliency is not None:
            return self.saliency
        wants_map = self.save_saliency or self.save_overlay or self.saliency_class
        return "gradient" if wants_map else "none"


@click.command("infer", epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--bundle", required=True, metavar="NAME.edge", help="The bundle to run.")
@click.option(
    "--camera",
    is_flag=False,
    flag_value="0",
    metavar="[SPEC]",
    help="A camera: number, /dev/video* or picamera2[:N]. Without SPEC the first.",
)
@click.option(
    "--source", metavar="PATH|DIR|URL|synthetic:", help="Images, a folder, a video or a stream."
)
@click.option(
    "--engine",
    type=click.Choice(_ENGINE_NAMES),
    help="Inference engine. Default: the first that is installed.",
)
@click.option(
    "--saliency",
    type=click.Choice(["gradient", "cam", "none"]),
    help="Map of what decided. Default: gradient if an option needs a map, else none.",
)
@click.option("--saliency-class", metavar="NAME", help="Class to explain. Default: the top class.")
@click.option("--jsonl", metavar="FILE", help="Write one JSON line per frame; - for stdout.")
@click.option("--save-saliency", metavar="DIR", help="Write raw float32 maps as .npy files.")
@click.option("--save-overlay", metavar="DIR|FILE.mp4", help="Write pictures with the map on them.")
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
    options = InferOptions(**arguments)  # type: ignore[arg-type]  # click has checked the types
    code = _run(options)
    if code:
        click.get_current_context().exit(code)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of the script ``edge-infer``."""
    run_command(infer, arguments, name="edge-infer")


def _run(options: InferOptions) -> int:
    """Run the command and return its exit code."""
    # Imported here, so that --help and a wrong option cost no engine and no OpenCV.
    from edge_runtime.bundle.reader import open_bundle
    from edge_runtime.classifier import Classifier, class_index
    from edge_runtime.engines.registry import default_engine, open_engine
    from edge_runtime.loop import InferenceLoop
    from edge_runtime.sources.latest import FrameFeed
    from edge_runtime.statistics import RunStatistics
    from edge_runtime.stopping import StopSignals

    _refuse_outputs(options)
    bundle = open_bundle(options.bundle)
    class_index(bundle, options.saliency_class)
    engine_name = options.engine or default_engine(bundle)
    skipped: list[str] = []
    with ExitStack() as stack, StopSignals() as signals:
        engine = stack.enter_context(
            open_engine(engine_name, bundle, options.saliency_mode, options.threads)
        )
        source = stack.enter_context(_open(options, skipped))
        statistics = RunStatistics()
        feed = FrameFeed(source, signals.stopping)
        live_line = _LiveLine(statistics, feed)
        loop = InferenceLoop(
            feed=feed,
            classifier=Classifier(bundle, engine, options.saliency_class),
            sinks=_open_sinks(options, bundle, source),
            statistics=statistics,
            max_frames=options.max_frames,
            on_prediction=live_line.show,
        )
        try:
            loop.run()
        except SourceError:
            live_line.end()
            if statistics.frames:
                _print_summary(statistics.summary(feed.dropped, len(skipped)), options)
            raise
        finally:
            live_line.end()
    _print_summary(statistics.summary(feed.dropped, len(skipped)), options)
    return signals.exit_code


def _open(options: InferOptions, skipped: list[str]) -> Source:
    from edge_runtime.sources.specification import open_camera, open_source

    if options.camera is not None:
        return open_camera(options.camera)

    def skip(path: str, error: SaliedgeError) -> None:
        skipped.append(path)
        click.echo(f"Skipped {error}", err=True)

    return open_source(str(options.source), skip if options.skip_bad else None)


def _refuse_outputs(options: InferOptions) -> None:
    """Find out before any work that an output may not be written where it should go."""
    from edge_runtime.files import refuse_existing

    for target in (options.jsonl, options.save_saliency, options.save_overlay):
        if target is not None and target != "-":
            refuse_existing(target, options.force)
            if options.source is not None:
                _refuse_among_inputs(Path(target), Path(options.source))


def _refuse_among_inputs(target: Path, source: Path) -> None:
    """No option, not even ``--force``, may write over the images that are read.

    Raises:
        OutputError: ``target`` is the source, a folder that holds it, or an image's or a folder's
            name inside it.
    """
    from edge_runtime.images import IMAGE_SUFFIXES

    if not source.exists():
        return
    output, inputs = target.resolve(), source.resolve()
    is_folder_or_image = output.suffix == "" or output.suffix.lower() in IMAGE_SUFFIXES
    inside = is_folder_or_image and inputs in output.parents
    if output == inputs or output in inputs.parents or inside:
        raise OutputError(
            f"{target} would write among the images of {source}; choose a place outside."
        )


def _open_sinks(options: InferOptions, bundle: Bundle, source: Source) -> list[Sink]:
    from edge_runtime.sinks import JsonLinesSink, SaliencyFolderSink, open_overlay_sink

    sinks: list[Sink] = []
    try:
        if options.save_saliency is not None:
            sinks.append(
                SaliencyFolderSink(
                    Path(options.save_saliency),
                    options.saliency_mode,
                    bundle.sha256,
                    options.force,
                )
            )
        if options.save_overlay is not None:
            sinks.append(open_overlay_sink(options.save_overlay, source.fps, options.force))
        # Last, so that a line stands only for a frame whose files are written.
        if options.jsonl is not None:
            sinks.append(JsonLinesSink(options.jsonl, options.force))
    except BaseException:
        for sink in sinks:
            sink.close(keep=False)
        raise
    return sinks


class _LiveLine:
    """One line on a terminal that is written over while the loop runs; nothing elsewhere."""

    def __init__(self, statistics: RunStatistics, feed: FrameFeed) -> None:
        self._statistics = statistics
        self._feed = feed
        self._enabled = sys.stderr.isatty()
        self._next = 0.0
        self._last: Prediction | None = None

    def show(self, prediction: Prediction) -> None:
        """Show a prediction, a few times a second at most."""
        self._last = prediction
        now = time.monotonic()
        if self._enabled and now >= self._next:
            self._next = now + _LIVE_LINE_SECONDS
            self._draw(prediction)

    def end(self) -> None:
        """Show the last prediction and leave the line."""
        if self._enabled and self._last is not None:
            self._draw(self._last)
            click.echo(err=True)
            self._last = None

    def _draw(self, prediction: Prediction) -> None:
        timings = prediction.timings_ms
        latency = timings["preprocess"] + timings["infer"]
        line = (
            f"{prediction.label} {100 * prediction.probabilities[prediction.label]:.0f} %  "
            f"{latency:.1f} ms  {self._statistics.fps:.1f} FPS  frame {self._statistics.frames}  "
            f"dropped {self._feed.dropped}  {prediction.frame.source}"
        )
        line = "".join(char if char.isprintable() else "?" for char in line)
        width = shutil.get_terminal_size().columns - 1
        click.echo(f"\r\x1b[2K{line[:width]}", nl=False, err=True)


def _print_summary(summary: RunSummary, options: InferOptions) -> None:
    """Print the closing summary: on stdout, unless the JSON lines are there."""
    lines = [f"{summary.frames} frames in {summary.seconds:.1f} s: {summary.fps:.1f} FPS"]
    if summary.latency_ms:
        times = ", ".join(f"{name} {value:.2f} ms" for name, value in summary.latency_ms.items())
        lines.append(f"latency (preprocess + infer): {times}")
        labels = ", ".join(f"{name} {count}" for name, count in summary.labels.items())
        lines.append(f"labels: {labels}")
    lines.append(f"peak memory: {summary.peak_memory_mib:.0f} MiB")
    lines.append(f"frames dropped: {summary.dropped}")
    if summary.skipped:
        lines.append(f"unreadable files skipped: {summary.skipped}")
    for target in (options.jsonl, options.save_saliency, options.save_overlay):
        if target is not None and target != "-":
            lines.append(f"written: {target}")
    click.echo("\n".join(lines), err=options.jsonl == "-")


if __name__ == "__main__":
    main()
