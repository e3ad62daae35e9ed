"""The command ``saliedge export``."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["export"]

_EPILOG = """\b
Examples:
  saliedge export runs/first --int8 --out first.edge
  saliedge export runs/first --int8 --out first.edge --data /mnt/kvasir --force

\b
Beside NAME.edge, which is all that a device needs, lie NAME.report.html (what was checked, in
pictures and tables) and NAME.gates.json (the same as numbers), both written even if a check failed,
and NAME.reference/ (the float graphs, for comparison).
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    metavar="NAME.edge",
    type=click.Path(path_type=Path),
    help="The bundle to write.",
)
@click.option(
    "--int8", is_flag=True, default=True, help="Integer graphs, the only precision there is."
)
@click.option(
    "--data", metavar="DATA", help="Where the run's images are now [where they were trained from]."
)
@click.option(
    "--samples",
    type=click.IntRange(min=16),
    default=64,
    show_default=True,
    help="Training images to calibrate gradients and to check on.",
)
@click.option("--force", is_flag=True, help="Replace a bundle that is there.")
@click.option(
    "--reference/--no-reference",
    default=True,
    help="Write the float graphs into NAME.reference [on].",
)
@click.option(
    "--include-images",
    is_flag=True,
    help="Show training images in the report; the bundle records that it holds them.",
)
def export(
    run: Path,
    out: Path,
    int8: bool,
    data: str | None,
    samples: int,
    force: bool,
    reference: bool,
    include_images: bool,
) -> None:
    """Turn the best checkpoint of RUN into INT8 graphs for ONNX Runtime and LiteRT, and prove them.

    Every graph is run in every engine that is installed and compared with the exact reference. If
    a check fails, no bundle is written.
    """
    from export.exporter import ExportOptions, export_run
    from export.summary import summary_lines
    from train.progress import reporting

    options = ExportOptions(
        run=run,
        out=out,
        data=data,
        samples=samples,
        force=force,
        reference=reference,
        include_images=include_images,
    )
    with reporting() as reporter:
        result = export_run(options, reporter)
        for line in summary_lines(options, result):
            reporter.message(line)
