"""The command ``saliedge evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import UsageError
from edge_runtime.plugin_choice import PluginChoice
from edge_runtime.plugins import ATTRIBUTION
from train.commands.split_options import split_options

if TYPE_CHECKING:
    from train.evaluation import SaliencyOptions

__all__ = ["evaluate"]

_EXAMPLES = 6
_SHORTHAND = {"both": ("gradient", "cam")}

_EPILOG = """\b
Examples:
  saliedge evaluate runs/first
  saliedge evaluate runs/first --float --split val
  saliedge evaluate runs/first --sensitivity 0.98
  saliedge evaluate runs/first --saliency both --region position=0,0.675,0.30,1
  saliedge evaluate first.edge --split-from runs/first --against runs/first
  saliedge evaluate first.edge --data kvasir --engine onnx --out report
  saliedge evaluate first.edge --split-from runs/first --engine litert
  saliedge evaluate runs/demo --data "synthetic:?count=300&seed=9" --split all
"""


@click.command(epilog=_EPILOG, context_settings=SETTINGS)
@click.argument("path", metavar="RUN|BUNDLE", type=click.Path(path_type=Path))
@click.option("--data", metavar="DATA", help="The images [those of the run].")
@split_options
@click.option(
    "--engine", metavar="NAME", help="For a bundle: onnx, litert, tflite-runtime or a plug-in's."
)
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
    "maps",
    type=PluginChoice(
        [
            "gradient",
            "gradient-early",
            "cam",
            "both",
            "smoothgrad",
            "smoothgrad-early",
            "gradient-x-input",
            "occlusion",
            "none",
        ],
        ATTRIBUTION,
    ),
    multiple=True,
    default=("gradient",),
    show_default="gradient",
    help="Maps that are measured, repeatable; both is gradient and cam; "
    "smoothgrad averages over noisy copies; gradient-x-input and an installed plug-in's methods "
    "are for runs.",
)
@click.option(
    "--region",
    "regions",
    metavar="NAME=X0,Y0,X1,Y1",
    multiple=True,
    help="Give the share of the saliency in a part of the picture (fractions of the network's "
    "input, from the top left), for each class; repeatable.",
)
@click.option(
    "--against",
    metavar="RUN|BUNDLE",
    type=click.Path(path_type=Path),
    help="Compare the maps with those of this one, and a run's also with those of its float "
    "network. A quantised run is always compared with itself in float.",
)
@click.option(
    "--sample",
    metavar="N|all",
    default="24",
    show_default=True,
    help="Images for insertion and deletion, the comparison of maps and the randomisation check, "
    "drawn by a fixed seed; 0 leaves these out.",
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
    help="Folder for metrics.json, predictions.csv and pictures of the figures.",
)
@click.option("--force", is_flag=True, help="Replace an earlier evaluation in --out.")
@click.option(
    "--include-images",
    is_flag=True,
    help="Also write saliency.png, six of the images with their maps. They may be of patients.",
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
    sensitivity: float | None,
    maps: tuple[str, ...],
    regions: tuple[str, ...],
    against: Path | None,
    sample: str,
    skip_bad: bool,
    out: Path | None,
    force: bool,
    include_images: bool,
    as_json: bool,
) -> None:
    """Measure a run or a bundle: the same figures, so that they can be compared.

    Accuracy, sensitivity, specificity, F1, MCC and AUC with 95 % intervals that resample groups,
    and where the images have lesion masks, whether saliency lies on the lesion, beside the blind
    guesses that it must beat. On a sample of the images: whether the class's probability follows
    the map's pixels, how alike the maps of two precisions are, and what is left of them when the
    weights are random.
    """
    if include_images and out is None:
        raise UsageError("--include-images writes a picture; say where with --out.")
    from edge_runtime.files import refuse_existing, refuse_unwritable
    from train.evaluation import evaluate as measure
    from train.evaluation import open_target, write_evaluation
    from train.evaluation.report import is_earlier_evaluation
    from train.run.progress import quiet_reporter, reporting

    if out is not None:
        refuse_existing(out, force, is_earlier_evaluation)
        refuse_unwritable(out, folder=True)
    target = open_target(path, engine=engine, in_float=in_float, checkpoint=checkpoint)
    options = _saliency_options(maps, regions, against, sample, include_images)
    with quiet_reporter() if as_json else reporting() as reporter:
        result = measure(
            target,
            reporter,
            source=data,
            part=part,
            split_from=split_from,
            skip_bad=skip_bad,
            sensitivity=sensitivity,
            saliency=options,
        )
    written = write_evaluation(result, out, force) if out is not None else []
    click.echo(json.dumps(result.to_json(), indent=2) if as_json else result.text())
    if written and not as_json:
        click.echo(f"\nwritten to {out}: {', '.join(written)}")


def _saliency_options(
    maps: tuple[str, ...],
    regions: tuple[str, ...],
    against: Path | None,
    sample: str,
    include_images: bool,
) -> SaliencyOptions:
    from edge_runtime.metrics import Region
    from train.evaluation import SaliencyOptions, open_target

    return SaliencyOptions(
        methods=_methods(maps),
        regions=tuple(Region.parse(text) for text in regions),
        against=open_target(against) if against else None,
        sample=_sample(sample),
        examples=_EXAMPLES if include_images else 0,
    )


def _methods(maps: tuple[str, ...]) -> tuple[str, ...]:
    """The maps by name, each once."""
    if "none" in maps:
        if len(set(maps)) > 1:
            raise UsageError("--saliency none leaves no map to measure; leave out the others.")
        return ()
    named = [name for choice in maps for name in _SHORTHAND.get(choice, (choice,))]
    return tuple(dict.fromkeys(named))


def _sample(text: str) -> int | None:
    """None for all images."""
    if text == "all":
        return None
    if not text.isdecimal():
        raise UsageError(f"--sample {text} is neither a number of images nor `all`.")
    return int(text)
