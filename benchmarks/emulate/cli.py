"""The command ``bench emulate``: instructions of a bundle's graphs on boards that are not there."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import click

from benchmarks.emulate.device_sets import DEVICE_SETS
from benchmarks.emulate.processors import PROCESSORS
from edge_runtime.command_settings import SETTINGS

__all__ = ["EmulateOptions", "emulate"]

_ENGINE_NAMES = ("onnx", "litert", "tflite-runtime")
_DEFAULT_ENGINES = ("onnx", "litert")

_EPILOG = """\b
Examples:
  bench emulate --bundle first.edge
  bench emulate --bundle first.edge --cpu cortex-a76 --engine litert --json counts.json
  bench emulate --bundle first.edge --engine tflite-runtime --saliency none

\b
Needs Linux with qemu-user, mmdebstrap, gcc and libc6-dev (apt-get install), and no root. Debian's
Python and the engines' aarch64 wheels, some 500 MB, are fetched once into ~/.cache/saliedge.
The same counts come out in every run; they compare graphs and say nothing of caches and clocks.
"""


class _Names(click.ParamType[tuple[str, ...]]):
    """Names out of a list, with commas between them."""

    name = "names"

    def __init__(self, choices: tuple[str, ...]) -> None:
        self._choices = choices

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(part.strip() for part in str(value).split(",")))
        for name in names:
            if name not in self._choices:
                self.fail(f"{name!r} is not one of {', '.join(self._choices)}", param, ctx)
        return names


@dataclass(frozen=True)
class EmulateOptions:
    """Options of the command, as click has checked them.

    Attributes:
        bundle: Path of the bundle.
        processors: Keys of ``PROCESSORS``.
        engines: Keys of ``ENGINES``.
        saliencies: Maps; all that the bundle has if empty.
        device_set: A key of ``DEVICE_SETS``; the newest that has the engine if None.
        jobs: Processes at a time.
        json_path: Where the report goes, ``-`` for standard output; None for nowhere.
        force: Replace an earlier report.
    """

    bundle: str
    processors: tuple[str, ...]
    engines: tuple[str, ...]
    saliencies: tuple[str, ...]
    device_set: str | None
    jobs: int
    json_path: str | None
    force: bool


@click.command("emulate", epilog=_EPILOG, context_settings=SETTINGS)
@click.option("--bundle", required=True, metavar="NAME.edge", help="The bundle to run.")
@click.option(
    "--cpu",
    "processors",
    type=_Names(tuple(PROCESSORS)),
    default=",".join(PROCESSORS),
    show_default=True,
    metavar="CPU,...",
    help="Processors to emulate.",
)
@click.option(
    "--engine",
    "engines",
    type=_Names(_ENGINE_NAMES),
    default=",".join(_DEFAULT_ENGINES),
    show_default=True,
    metavar="ENGINE,...",
    help="Engines to run; tflite-runtime, too. None of them need be installed here.",
)
@click.option(
    "--saliency",
    "saliencies",
    type=_Names(("none", "cam", "gradient-early", "gradient")),
    default=(),
    metavar="MAP,...",
    help="Maps to count: none, cam, gradient-early, gradient. Default: all that the bundle has.",
)
@click.option(
    "--device-set",
    type=click.Choice(tuple(DEVICE_SETS)),
    help="Debian release and versions. Default: the newest that has the engine.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=lambda: len(os.sched_getaffinity(0)),
    show_default="the processors",
    metavar="N",
    help="Processes at a time; the counts are the same.",
)
@click.option("--json", "json_path", metavar="FILE", help="Write the report; - for stdout.")
@click.option("--force", is_flag=True, help="Replace an earlier report.")
def emulate(**arguments: object) -> None:
    """Count the instructions of one inference on a Cortex-A72 (Pi 4) and A76 (Pi 5).

    INT8 and its float reference, with and without a saliency map, in the engines' real aarch64
    wheels under qemu. Exact and repeatable, but no latency.
    """
    # Imported here, so that --help and a wrong option cost no engine and no OpenCV.
    from benchmarks.emulate.emulation import emulate_bundle
    from benchmarks.emulate.table import emulation_text
    from benchmarks.reporting.output import refuse_report, show_report
    from edge_runtime.bundle import open_bundle

    options = EmulateOptions(**arguments)  # type: ignore[arg-type]  # click has checked the types
    refuse_report(options.json_path, options.force)
    report = emulate_bundle(
        open_bundle(options.bundle),
        processors=options.processors,
        engines=options.engines,
        saliencies=options.saliencies,
        device_set=options.device_set,
        jobs=options.jobs,
        tell=_tell,
    )
    show_report(emulation_text(report), report.to_bytes(), options.json_path)


def _tell(line: str) -> None:
    """Show progress on a terminal; nothing elsewhere."""
    if sys.stderr.isatty():
        click.echo(f"{line} ...", err=True)
