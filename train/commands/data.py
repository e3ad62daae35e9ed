"""The commands ``saliedge data``: make synthetic images, look at a data set before training."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import DataError, UsageError

__all__ = ["data"]

_EPILOG = """\b
Examples:
  saliedge data synth --out demo/data --count 600
  saliedge data synth --out demo/shortcut --count 600 --shortcut-class inflamed
  saliedge data check demo/data
"""
_CHECK_EPILOG = """\b
Examples:
  saliedge data check kvasir
  saliedge data check kvasir --out report
  saliedge data check labels.csv --threshold 6 --json > report.json
"""


@click.group(context_settings=SETTINGS, epilog=_EPILOG)
def data() -> None:
    """Make or check sets of images."""


@data.command(
    short_help="Write synthetic endoscopy pictures with masks.", context_settings=SETTINGS
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder to make, with labels.csv."
)
@click.option("--count", type=click.IntRange(6), default=600, show_default=True, help="Images.")
@click.option("--seed", type=click.IntRange(0, 2**40), default=0, show_default=True)
@click.option("--size", type=click.IntRange(32, 4096), default=128, show_default=True)
@click.option(
    "--shortcut-class",
    metavar="CLASS",
    help="Plant a box in a corner of this class's images: a wrong clue that saliency must show.",
)
@click.option("--force", is_flag=True, help="Replace a folder that is there.")
def synth(
    out: Path, count: int, seed: int, size: int, shortcut_class: str | None, force: bool
) -> None:
    """Write synthetic endoscopy pictures with lesion masks; no patient is in them.

    The same pictures as synthetic:?count=COUNT&seed=SEED&size=SIZE makes in memory.
    """
    from edge_runtime import synthetic
    from train.data.sources import first_synthetic_seed

    if shortcut_class is not None and shortcut_class not in synthetic.CLASSES:
        raise UsageError(
            f"there is no class {shortcut_class!r} in the synthetic set; choose one of "
            f"{', '.join(synthetic.CLASSES)}."
        )
    synthetic.write_dataset(
        out, count, first_synthetic_seed(seed), size, shortcut_class=shortcut_class, force=force
    )
    click.echo(f"{out}: {count} synthetic images of {', '.join(synthetic.CLASSES)}.")


@data.command(
    short_help="Look at every image before training.",
    context_settings=SETTINGS,
    epilog=_CHECK_EPILOG,
)
@click.argument("source", metavar="DATA")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for a contact sheet (index.html and PNGs) and report.json. It shows the images "
    "themselves and their names: keep it as safe as DATA.",
)
@click.option(
    "--split-seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of the split that train would draw, where DATA brings none.",
)
@click.option(
    "--threshold",
    type=click.IntRange(0, 128),
    default=10,
    show_default=True,
    help="Bits of 128 that the hashes of near-duplicates may differ in.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--force", is_flag=True, help="Replace a folder that is there.")
def check(
    source: str, out: Path | None, split_seed: int, threshold: int, as_json: bool, force: bool
) -> None:
    """Read every image of DATA once and tell what a network could trip over.

    Counts of classes, groups and sizes, class imbalance, unreadable files, near-duplicates within
    and across the parts of the split and across classes, and overlays that tell a class: regions
    of nearly one colour in its images and not in another's. Groups are checked as they are named.
    """
    from edge_runtime.files import refuse_existing, refuse_unwritable
    from train.data_check import inspect_dataset
    from train.data_check.pages import is_earlier_check, write_pages
    from train.run.progress import quiet_reporter, reporting

    if out is not None:
        refuse_existing(out, force, is_earlier_check)
        refuse_unwritable(out, folder=True)
    with quiet_reporter() if as_json else reporting() as reporter:
        inspection = inspect_dataset(source, split_seed, reporter, threshold)
    report = inspection.report
    click.echo(json.dumps(report.to_json(), indent=1) if as_json else report.text())
    if out is not None:
        write_pages(inspection, out, force=force)
        click.echo(f"contact sheet: {out / 'index.html'}", err=as_json)
    if report.unreadable:
        raise DataError(
            f"{len(report.unreadable)} of {report.images} images of {source} cannot be read; "
            "repair or remove them, or train with --skip-bad."
        )
