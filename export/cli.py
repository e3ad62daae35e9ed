"""The command ``saliedge export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_runtime.command_settings import SETTINGS
from train.commands.size_option import Size

if TYPE_CHECKING:
    from export.post_training import PostTraining

__all__ = ["export"]

_EPILOG = """\b
Examples:
  saliedge export runs/first --int8 --out first.edge
  saliedge export runs/first --int8 --out first.edge --data /mnt/kvasir --force
  saliedge export runs/float --calibrate kvasir --out float.edge
  saliedge export --model timm:regnetx_002 --weights mine.safetensors --size 160 \\
      --calibrate kvasir --ranges mse --out regnet.edge

\b
With --calibrate the ranges are not learned but taken from images, and the bundle, the report and
the terminal say so ("post-training ranges").

\b
Beside NAME.edge, which is all that a device needs, lie NAME.report.html (what was checked, in
pictures and tables) and NAME.gates.json (the same as numbers), both written even if a check failed,
NAME.reference/ (the float graphs, for comparison) and NAME.export.log, if engines had anything to
say.
"""


@click.command(epilog=_EPILOG, context_settings=SETTINGS)
@click.argument("run", required=False, type=click.Path(path_type=Path))
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
    "--saliency/--no-saliency",
    default=True,
    help="Write graphs with saliency maps, too [on]; an export without takes less time.",
)
@click.option(
    "--include-images",
    is_flag=True,
    help="Show training images in the report; the bundle records that it holds them.",
)
@click.option(
    "--calibrate",
    metavar="DATA",
    help="Take the ranges from these images, of the run's float network or of --model: a folder, "
    "CSV or MedMNIST file with labels.",
)
@click.option(
    "--ranges",
    type=click.Choice(["percentile", "mse"]),
    default="percentile",
    show_default=True,
    help="How --calibrate finds them: 99.99 % of the activations, or least squared error.",
)
@click.option(
    "--model",
    metavar="NAME",
    help="A network that was trained elsewhere, instead of RUN: a backbone's name, timm:NAME or "
    "module:function (takes the number of classes).",
)
@click.option(
    "--weights",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="All weights of --model: a .safetensors file, or a torch file of tensors only.",
)
@click.option("--size", type=Size(), metavar="PIXELS|HxW", help="Input of --model [160].")
@click.option(
    "--classes", metavar="A,B,...", help="Order of the logits of --model [sorted labels of DATA]."
)
@click.option(
    "--input-mean",
    type=click.IntRange(0, 255),
    metavar="BYTE",
    help="The grey level that --model sees as zero [the backbone's].",
)
@click.option(
    "--input-std",
    type=click.FloatRange(min=0, min_open=True),
    metavar="BYTES",
    help="Grey levels per unit that --model sees [the backbone's].",
)
@click.option(
    "--fit",
    type=click.Choice(["crop", "letterbox", "stretch"]),
    help="How --model has a frame of another shape fitted in [crop].",
)
def export(
    run: Path | None,
    out: Path,
    int8: bool,
    data: str | None,
    samples: int,
    force: bool,
    reference: bool,
    saliency: bool,
    include_images: bool,
    calibrate: str | None,
    ranges: str,
    **of_model: Any,
) -> None:
    """Turn the best checkpoint of RUN into INT8 graphs for ONNX Runtime and LiteRT, and prove them.

    Every graph is run in every engine that is installed and compared with the exact reference. If
    a check fails, no bundle is written.
    """
    from export.captured_output import log_path, output_kept_in
    from export.exporter import ExportOptions, export_run
    from export.summary import summary_lines
    from train.run.progress import reporting

    options = ExportOptions(
        run=run,
        out=out,
        data=data,
        samples=samples,
        force=force,
        reference=reference,
        saliency=saliency,
        include_images=include_images,
        post_training=_post_training(calibrate, ranges, of_model),
    )
    with reporting() as reporter:
        with output_kept_in(log_path(options.out)):
            result = export_run(options, reporter)
        for line in summary_lines(options, result):
            reporter.message(line)


def _post_training(data: str | None, method: Any, of_model: dict[str, Any]) -> PostTraining | None:
    """What the options about ranges from images say, or None without --calibrate."""
    from edge_runtime.errors import UsageError
    from export.post_training import PostTraining, UsersModel

    given = {name: value for name, value in of_model.items() if value is not None}
    if data is None:
        if given:
            option = next(iter(given)).replace("_", "-")
            raise UsageError(f"--{option} is for --model, whose ranges --calibrate DATA takes.")
        return None
    if "model" not in given:
        if given:
            option = next(iter(given)).replace("_", "-")
            raise UsageError(f"--{option} is for --model; a run knows its own.")
        return PostTraining(data, method)
    classes = given.get("classes")
    model = UsersModel(
        name=given["model"],
        weights=given.get("weights"),
        size_hw=given.get("size", (160, 160)),
        classes=tuple(classes.split(",")) if classes else None,
        input_mean=given.get("input_mean"),
        input_std=given.get("input_std"),
        fit=given.get("fit", "crop"),
    )
    return PostTraining(data, method, model)
