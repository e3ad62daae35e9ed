"""The commands ``saliedge reader-study``: make a study of readers, analyse what they answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import UsageError
from train.commands.split_options import split_options

if TYPE_CHECKING:
    from edge_runtime.bundle.graphs import SaliencyMode
    from train.reader_study.pictures import MapChoice

__all__ = ["reader_study"]

_MODES: tuple[SaliencyMode, ...] = ("gradient", "gradient-early", "cam")
_EPILOG = """\b
Examples:
  saliedge reader-study make first.edge first.edge:cam --data kvasir --cases 60 --out study
  saliedge reader-study analyse answers/*.json --key study/key.json --out results
"""
_MAKE_EPILOG = """\b
Examples:
  saliedge reader-study make first.edge first.edge:cam --data kvasir --cases 60 --out study
  saliedge reader-study make pact.edge ptq.edge --split-from runs/first --readers 9 --out study
  saliedge reader-study make first.edge --data kvasir --cases 40 --readers 4 --out study

\b
OUT/reader-study.html holds the pictures: give it to the readers, and to nobody who may not see
them. It runs offline and sends nothing. OUT/key.json says which case is what: keep it from them.
"""
_ANALYSE_EPILOG = """\b
Examples:
  saliedge reader-study analyse answers/*.json --key study/key.json
  saliedge reader-study analyse answers/*.json --key study/key.json --out results --force
"""


@click.group(context_settings=SETTINGS, epilog=_EPILOG)
def reader_study() -> None:
    """Find out whether people who read the images are helped by the maps."""


@reader_study.command(
    short_help="Write a page for readers.", context_settings=SETTINGS, epilog=_MAKE_EPILOG
)
@click.argument("maps", metavar="BUNDLE[:MAP]...", nargs=-1, required=True)
@click.option("--data", metavar="DATA", help="The images, see `saliedge train`.")
@split_options
@click.option("--cases", type=click.IntRange(1), metavar="N", help="Images, of all classes [all].")
@click.option(
    "--readers",
    type=click.IntRange(1, 200),
    default=6,
    show_default=True,
    help="How many read; a multiple of the conditions (3 with two maps) balances best.",
)
@click.option(
    "--comparisons",
    type=click.IntRange(0),
    metavar="N",
    help="Images on which both maps are compared side by side [all].",
)
@click.option("--title", default="Reader study", show_default=True, help="Head of the page.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of every draw [a secret one].")
@click.option("--engine", metavar="NAME", help="onnx, litert or tflite-runtime [the first there].")
@click.option(
    "--max-side",
    type=click.IntRange(64, 4096),
    default=1024,
    show_default=True,
    help="Pixels of the longer side above which pictures are made smaller.",
)
@click.option("--lossless", is_flag=True, help="Pictures as PNG instead of JPEG; a larger page.")
@click.option(
    "--out", required=True, metavar="STUDY", type=click.Path(path_type=Path), help="Folder to make."
)
@click.option("--force", is_flag=True, help="Replace a folder that is there.")
def make(
    maps: tuple[str, ...],
    data: str | None,
    part: str,
    split_from: Path | None,
    cases: int | None,
    readers: int,
    comparisons: int | None,
    title: str,
    seed: int | None,
    engine: str | None,
    max_side: int,
    lossless: bool,
    out: Path,
    force: bool,
) -> None:
    """Write a page for readers: images alone and with the maps of one bundle or two.

    MAP is gradient (the default), gradient-early or cam. Each reader sees each image once, alone or
    with one of the maps, in an order of their own, and at the end both maps of an image side by
    side. The page does not tell classes, files or whose map is whose.
    """
    from train.reader_study import StudyOptions, make_study
    from train.run.progress import reporting

    options = StudyOptions(
        maps=tuple(_choice(text) for text in maps),
        out=out,
        data=data,
        part=part,
        split_from=split_from,
        cases=cases,
        readers=readers,
        comparisons=comparisons,
        title=title,
        seed=seed,
        engine=engine,
        max_side=max_side,
        lossless=lossless,
        force=force,
    )
    with reporting() as reporter:
        made = make_study(options, reporter)
        design = made.design
        reporter.message(
            f"{made.page}: {design.cases} images in {design.conditions} conditions, "
            f"{design.comparisons} comparisons, {design.readers} readers, {made.bytes / 1e6:.1f} MB"
        )
        reporter.message(f"{made.key}: what is what; keep it from the readers")
        if not design.balanced:
            reporter.message(
                f"{design.readers} readers are no multiple of {design.conditions}: some images are "
                "read more often in one condition than in another"
            )


@reader_study.command(
    short_help="Say what the readers' answers come to.",
    context_settings=SETTINGS,
    epilog=_ANALYSE_EPILOG,
)
@click.argument(
    "answers", metavar="ANSWERS...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--key",
    "key_file",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="key.json that was written beside the page.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for analysis.json, report.md and report.html.",
)
@click.option("--force", is_flag=True, help="Replace a folder that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print analysis.json instead of the tables.")
def analyse(
    answers: tuple[Path, ...], key_file: Path, out: Path | None, force: bool, as_json: bool
) -> None:
    """Say what the readers' answers come to: accuracy, confidence and time with and without maps.

    Intervals (95 %) resample readers and groups of images. Agreement between readers is Fleiss'
    kappa. Unfinished answers count as far as they go.
    """
    from edge_runtime.files import refuse_existing, refuse_unwritable
    from train.reader_study import analyse as analyse_answers
    from train.reader_study import read_answers, read_key, write_report
    from train.reader_study.report import is_earlier_report, report_text

    if out is not None:
        refuse_existing(out, force, is_earlier_report)
        refuse_unwritable(out, folder=True)
    key = read_key(key_file)
    analysis = analyse_answers(key, read_answers(answers, key))
    if out is not None:
        write_report(analysis, out, force)
    click.echo(json.dumps(analysis.to_json(), indent=1) if as_json else report_text(analysis))
    if out is not None and not as_json:
        click.echo(f"\nwritten to {out}: report.html, report.md, analysis.json")


def _choice(text: str) -> MapChoice:
    """``BUNDLE`` or ``BUNDLE:MAP``."""
    from train.reader_study.pictures import MapChoice

    path, separator, wanted = text.rpartition(":")
    if not separator or Path(text).exists():
        return MapChoice(Path(text))
    for mode in _MODES:
        if mode == wanted:
            return MapChoice(Path(path), mode)
    raise UsageError(f"there is no map {wanted!r} (of {text}); choose one of {', '.join(_MODES)}.")
