"""The command ``saliedge evaluate``."""

from __future__ import annotations

import json
from pathlib import Path

import click

__all__ = ["evaluate"]

_EPILOG = """\b
Examples:
  saliedge evaluate runs/first
  saliedge evaluate runs/first --float --split val
  saliedge evaluate runs/first --sensitivity 0.98
  saliedge evaluate first.edge --data kvasir --engine onnx --out report
  saliedge evaluate first.edge --split-from runs/first --engine litert
  saliedge evaluate runs/demo --data "synthetic:?count=300&seed=9" --split all
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("path", metavar="RUN|BUNDLE", type=click.Path(path_type=Path))
@click.option("--data", metavar="DATA", help="The images [those of the run].")
@click.option(
    "--split",
    "part",
    type=click.Choice(["test", "val", "train", "all"]),
    default="test",
    show_default=True,
    help="Which part of the split; `all` for images that were not split.",
)
@click.option(
    "--split-from",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="Take images and split of this run; a bundle otherwise makes its split again from --data.",
)
@click.option("--engine", metavar="NAME", help="For a bundle: onnx, litert or tflite-runtime.")
@click.option("--float", "in_float", is_flag=True, help="For a run: without fake quantisation.")
@click.option(
    "--checkpoint",
    type=click.Choice(["best", "float"]),
    default="best",
    show_default=True,
    help="For a run: the best epoch, or the network after the float warm-up.",
)
@click.option(
    "--saliency",
    type=click.Choice(["gradient", "cam", "none"]),
    default="gradient",
    show_default=True,
    help="Map that is measured where the images have lesion masks; cam is for bundles.",
)
@click.option(
    "--sensitivity",
    type=float,
    metavar="SHARE",
    help="Choose the operating points anew for this, on the validation part [those it has].",
)
@click.option("--skip-bad", is_flag=True, help="List unreadable images and leave them out.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for metrics.json, predictions.csv and confusion.png.",
)
@click.option("--json", "as_json", is_flag=True, help="Print metrics.json instead of the table.")
def evaluate(
    path: Path,
    data: str | None,
    part: str,
    split_from: Path | None,
    engine: str | None,
    in_float: bool,
    checkpoint: str,
    saliency: str,
    sensitivity: float | None,
    skip_bad: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure a run or a bundle: the same figures, so that they can be compared.

    Accuracy, sensitivity, specificity, F1, MCC and AUC with 95 % intervals that resample groups,
    and where the images have lesion masks, whether saliency lies on the lesion, beside the blind
    guesses that it must beat.
    """
    from train.evaluation import evaluate as measure
    from train.evaluation import open_target, write_evaluation
    from train.progress import quiet_reporter, reporting

    target = open_target(
        path,
        engine=engine,
        in_float=in_float,
        checkpoint=checkpoint,
        saliency="gradient" if saliency == "none" else saliency,
    )
    with quiet_reporter() if as_json else reporting() as reporter:
        result = measure(
            target,
            reporter,
            source=data,
            part=part,
            split_from=split_from,
            skip_bad=skip_bad,
            sensitivity=sensitivity,
            with_saliency=saliency != "none",
        )
    if out is not None:
        write_evaluation(result, out)
    click.echo(json.dumps(result.to_json(), indent=2) if as_json else result.text())
    if out is not None and not as_json:
        click.echo(f"\nwritten: {out}/metrics.json, predictions.csv, confusion.png")
