"""The command ``saliedge train``.

Nothing here imports torch before a command runs, so that ``--help`` is quick.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import Terminated, UsageError
from train.commands.size_option import Size
from train.flags import tables_of_flags
from train.launch import RememberingCommand, launch_again

__all__ = ["train"]

_EPILOG = """\b
Examples:
  saliedge train --data kvasir --out runs/first
  saliedge train --data labels.csv --out runs/small --backbone small_cnn --size 128
  saliedge train --data xray.npz --out runs/timm --backbone timm:regnetx_002 --size 64
  saliedge train --data kvasir --out runs/own --backbone my_networks:tiny --size 120x160
  saliedge train --data synthetic:?count=2400 --backbone small_cnn --out runs/demo
  saliedge train --data kvasir --out runs/w4a4 --bits 4 --lambda1 1 --k 0.5
  saliedge train --data endoscope --roi auto --roi-shape octagon --group-duplicates --out runs/roi
  saliedge train --config runs/first/config.toml --seed 1 --out runs/second
  saliedge train --from runs/first --bits 4 --out runs/first-w4a4
  saliedge train --resume --out runs/first
  saliedge train --data kvasir --out runs/two --processes 2
  torchrun --nproc-per-node 2 -m train --data kvasir --out runs/two

\b
A value comes from its flag, else from --config, else from the run after --from, else from the
recipe of the backbone and the bits. The run keeps all of them in config.toml, which can be given
to --config again.
"""


@click.command(cls=RememberingCommand, epilog=_EPILOG, context_settings=SETTINGS)
@click.option(
    "--data",
    metavar="DATA",
    help="Folder class/*.jpg (or .dcm), folder or .csv with file,label[,group][,mask][,split], "
    "MedMNIST .npz, or synthetic:?count=2400&seed=0.",
)
@click.option(
    "--out",
    required=True,
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="Folder of the run.",
)
@click.option(
    "--config", type=click.Path(path_type=Path), help="TOML file, see config.toml of a run."
)
@click.option(
    "--from",
    "start",
    metavar="RUN",
    help="Start the second phase from the float network of this run, at other bits for instance; "
    "its data, parts and other settings are taken unless they are given.",
)
@click.option("--resume", is_flag=True, help="Go on with the run after its last finished epoch.")
@click.option("--force", is_flag=True, help="Replace a run that is there.")
@click.option(
    "--backbone",
    metavar="NAME",
    help="efficientnet_lite0 (default), mobilenet_v2, resnet18, resnet50, small_cnn, squeeze_cnn, "
    "timm:NAME for one of timm's, an installed plug-in's, or module:function for one of yours: "
    "importable from here, takes the number of classes, returns a torch.nn.Module.",
)
@click.option(
    "--pretrained",
    metavar="PATH|none",
    help="Weights to start from, .safetensors or a torch file of tensors "
    "[efficientnet_lite0: from its Python package; others: none].",
)
@click.option(
    "--width",
    type=float,
    metavar="FACTOR",
    help="Multiplier of the channel counts, for small_cnn, squeeze_cnn, mobilenet_v2 and functions "
    "of yours that have a parameter `width` [1].",
)
@click.option(
    "--input-mean",
    type=int,
    metavar="BYTE",
    help="The grey level that the network sees as zero [timm: from the published weights; yours: "
    "127].",
)
@click.option(
    "--input-std",
    type=float,
    metavar="BYTES",
    help="Grey levels per unit that the network sees [timm: from the published weights; yours: "
    "128].",
)
@click.option(
    "--size",
    type=Size(),
    metavar="PIXELS|HxW",
    help="Side of the square input, or its height and width: multiples of 4 [160; small_cnn and "
    "squeeze_cnn: 64].",
)
@click.option(
    "--fit",
    type=click.Choice(["crop", "letterbox", "stretch"]),
    help="How a frame of another shape is fitted in [crop].",
)
@click.option(
    "--roi",
    metavar="auto|none|X0,Y0,X1,Y1",
    help="Part of each frame that is looked at, in fractions of it, or found over training images; "
    "the device does the same [none].",
)
@click.option(
    "--roi-shape",
    type=click.Choice(["rectangle", "ellipse", "octagon"]),
    help="What of that part is kept; around it the frame is blackened [rectangle].",
)
@click.option(
    "--epochs-float", type=int, metavar="N", help="Epochs of the float warm-up [6; small_cnn: 30]."
)
@click.option(
    "--epochs",
    type=int,
    metavar="N",
    help="Epochs with PACT and saliency guidance [5; small_cnn: 6].",
)
@click.option("--batch-size", type=int, metavar="N", help="Images per step [32; small_cnn: 16].")
@click.option(
    "--lr-float",
    type=float,
    metavar="RATE",
    help="Peak learning rate of the warm-up [1e-3; without pretrained weights 3e-3; small_cnn: "
    "2.5e-3].",
)
@click.option(
    "--lr",
    type=float,
    metavar="RATE",
    help="Peak learning rate after the warm-up [1e-4, below 8 bit 3e-4; without pretrained weights "
    "3e-4; small_cnn: 5e-4].",
)
@click.option(
    "--lr-alpha",
    type=float,
    metavar="SHARE",
    help="Peak learning rate of the clips, as a share of their first values [1e-3; below 8 bit "
    "1e-2, but for --activation-quantizer lsq].",
)
@click.option(
    "--lr-weight-step",
    type=float,
    metavar="SHARE",
    help="Peak learning rate of learned weight steps, as a share of their first values.",
)
@click.option(
    "--ema",
    type=float,
    metavar="DECAY",
    help="Keep and validate a moving average of the weights, e.g. 0.99 [0: off].",
)
@click.option(
    "--patience",
    type=int,
    metavar="N",
    help="End a phase after N epochs without a better one on the validation part [0: off].",
)
@click.option("--pact/--no-pact", default=None, help="Learn quantisation ranges [on].")
@click.option(
    "--bits",
    type=int,
    metavar="8|4|2",
    help="Bits of activations and weights [8]; first and last layer stay at 8. Below 8 bit the "
    "clips start at the least squared error, and the rates are higher: see --lr, --lr-alpha.",
)
@click.option("--weight-bits", type=int, metavar="8|4|2", help="Bits of weights, if others.")
@click.option(
    "--weight-quantizer",
    type=click.Choice(["max", "sawb", "lsq"]),
    help="How weights find their grid; lsq learns the step of each output channel [max].",
)
@click.option(
    "--activation-quantizer",
    type=click.Choice(["pact", "lsq"]),
    help="Which gradient the clips of activations get [pact].",
)
@click.option(
    "--range-method",
    type=click.Choice(["auto", "percentile", "mse"]),
    help="Where the clips start [auto: a percentile at 8 bit, the least squared error below].",
)
@click.option("--percentile", type=float, help="Of activations, in percent [99.99].")
@click.option("--eta", type=float, help="Weight of PACT's penalty on squared clips.")
@click.option("--sgt/--no-sgt", default=None, help="Saliency-guided training [on].")
@click.option("--lambda1", type=float, help="Weight of KL(clean || masked) [1].")
@click.option(
    "--lambda2",
    type=float,
    help="Weight of the mean saliency per byte of input [0]; above 0 costs a double backward pass.",
)
@click.option(
    "--ramp",
    type=float,
    metavar="SHARE",
    help="Share of the second phase over which lambda1 rises to its full weight [0].",
)
@click.option("--k", type=float, help="Share of the least salient pixels that is masked [0.5].")
@click.option(
    "--threshold",
    type=click.Choice(["share", "adaptive"]),
    help="Mask a fixed share k, or as much as keeps KL(clean || masked) at --target [share].",
)
@click.option(
    "--target",
    type=float,
    metavar="NATS",
    help="Divergence that an adaptive threshold keeps to [0.05].",
)
@click.option(
    "--fill", type=click.Choice(["random", "mean", "blur"]), help="What masked pixels get [random]."
)
@click.option(
    "--smoothing",
    type=int,
    metavar="PIXELS",
    help="Odd side of the box that saliency is averaged over before masking.",
)
@click.option(
    "--rotation", type=float, metavar="DEGREES", help="Largest random rotation [30; small_cnn: 15]."
)
@click.option(
    "--surround",
    type=float,
    metavar="SHARE",
    help="Share of the training views whose black surround gets another content [0].",
)
@click.option(
    "--erase",
    type=float,
    metavar="SHARE",
    help="Share of the training views that a rectangle is laid over [0].",
)
@click.option(
    "--balance",
    type=click.Choice(["none", "sampling", "weights"]),
    help="What is done about rare classes [sampling].",
)
@click.option(
    "--sensitivity",
    type=float,
    metavar="SHARE",
    help="Of each class, that its operating point must reach on the validation part [0.95].",
)
@click.option("--seed", type=int, help="Of weights, order, augmentation and mask [0].")
@click.option(
    "--split-file",
    metavar="CSV",
    help="Take the parts from this file (file,label,group,part: a split.csv) instead of drawing.",
)
@click.option("--split-seed", type=int, help="Of the split [0]; runs of other seeds share it.")
@click.option(
    "--skip-bad", is_flag=True, default=None, help="List unreadable images and leave them out."
)
@click.option(
    "--group-duplicates",
    is_flag=True,
    default=None,
    help="Keep near-duplicates in one part of the split, as if they shared a group.",
)
@click.option("--cache", metavar="DIR", help="Keep decoded images there for the next run.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="[auto]")
@click.option("--threads", type=int, help="CPU threads.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "mixed"]),
    help="Of the float warm-up: mixed multiplies in bfloat16, or float16 on a GPU without it; what "
    "follows computes the device's integers in float32 always [auto: mixed on a GPU].",
)
@click.option(
    "--deterministic",
    is_flag=True,
    default=None,
    help="Let a run on a GPU repeat itself to the bit too, as it does on a CPU anyway; slower. An "
    "operation that cannot is refused.",
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    metavar="N",
    help="Train in N processes on this machine, each on its part of every batch [1].",
)
@click.option(
    "--tensorboard/--no-tensorboard",
    default=None,
    help="Write TensorBoard events if it is installed [on].",
)
@click.option(
    "--mlflow",
    metavar="URI|none",
    help="Track the run in this MLflow store [that of MLFLOW_TRACKING_URI, if set].",
)
@click.pass_context
def train(
    context: click.Context,
    /,
    out: Path,
    config: Path | None,
    resume: bool,
    force: bool,
    processes: int | None,
    **flags: Any,
) -> None:
    """Train a network: float warm-up, then learned ranges (PACT) with saliency guidance.

    The best epoch on the validation part, by macro sensitivity and then loss, becomes
    RUN/best.safetensors. Ctrl-C loses the current epoch only: --resume goes on.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if resume and (given or config or force):
        named = "config" if config else "force" if force else next(iter(given))
        raise UsageError(
            f"--resume goes on with the run as it is; leave out --{named.replace('_', '-')}."
        )
    if processes is not None and processes > 1:
        context.exit(launch_again(context, processes))
    from train.config import resolve
    from train.loop.trainer import resume as resume_run
    from train.loop.trainer import train as train_run
    from train.parallel import process_group
    from train.run.directory import RunDirectory
    from train.run.progress import quiet_reporter, reporting

    run = RunDirectory(out)
    with (
        process_group() as group,
        reporting() if group.is_first else quiet_reporter() as reporter,
    ):
        try:
            if resume:
                best = resume_run(run, reporter, group)
            else:
                start = given.get("start")
                origin = RunDirectory(Path(start)).read_config() if start else None
                resolved = resolve(tables_of_flags(given), config, origin)
                best = train_run(resolved, run, reporter, force=force, processes=group)
        except (KeyboardInterrupt, Terminated):
            if run.config.exists():
                reporter.message(f"what is done is kept; go on with: {run.resume_command}")
            raise
        if best is not None:
            reporter.message(
                f"best: epoch {best.epoch}, macro sensitivity {best.macro_sensitivity:.1%} on the "
                f"validation part: {run.best_checkpoint}"
            )
