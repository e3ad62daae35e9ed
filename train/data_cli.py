"""The commands ``saliedge data``: make synthetic images, look at a data set before training."""

from __future__ import annotations

from pathlib import Path

import click

from edge_runtime.errors import DataError, UsageError

__all__ = ["data"]

_SETTINGS = {"help_option_names": ["-h", "--help"]}
_EPILOG = """\b
Examples:
  saliedge data synth --out demo/data --count 600
  saliedge data synth --out demo/shortcut --count 600 --shortcut-class inflamed
  saliedge data check demo/data
"""


@click.group(context_settings=_SETTINGS, epilog=_EPILOG)
def data() -> None:
    """Make or check sets of images."""


@data.command(context_settings=_SETTINGS)
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


@data.command(context_settings=_SETTINGS)
@click.argument("source", metavar="DATA")
@click.option("--split-seed", type=click.IntRange(0), default=0, show_default=True)
def check(source: str, split_seed: int) -> None:
    """Count classes and groups, try the split, and read every image of DATA."""
    from train.data.inspection import inspect_dataset

    report = inspect_dataset(source, split_seed)
    click.echo(report.text())
    if report.unreadable:
        raise DataError(
            f"{len(report.unreadable)} of {report.images} images of {source} cannot be read; "
            "repair or remove them, or train with --skip-bad."
        )
