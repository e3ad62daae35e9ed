"""What exporting costs: CPU time, time by the clock, and memory.

    python -m benchmarks.studies.export_cost
    python -m benchmarks.studies.export_cost --network resnet18

Each export is a whole one, in a process of its own: reading images, ranges from them, all graphs,
gates, report and bundle, with the command's own numbers of images. The networks are untrained, but
for the pretrained weights of efficientnet_lite0, and have seen a few batches, so that their batch
norms are settled; the images are synthetic. Limits are on CPU seconds, which other work on the
machine does not lengthen much, and on the peak of resident memory.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import torch
from safetensors.torch import save_file
from torch import nn

from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import GateError, run_command
from edge_runtime.files import atomic_write_text
from edge_runtime.preprocessing import Preprocessing
from edge_runtime.reporting.text_table import text_table
from export.exporter import ExportOptions, export_run
from export.post_training import PostTraining, UsersModel
from train.backbones import PRETRAINED_NONE, PRETRAINED_PACKAGE, backbone_named, build
from train.batches import image_batches
from train.data import load_images, open_dataset
from train.run.progress import plain_reporter

__all__ = ["export_cost"]

SIDE = 160
_DATA = f"synthetic:?count=600&seed=0&size={SIDE}"
_SETTLING_STEPS, _BATCH = 8, 16


@dataclass(frozen=True)
class Case:
    """One export.

    Attributes:
        network: Name of the backbone.
        saliency: With the graphs of maps.
        cpu_seconds: Limit; None for none.
    """

    network: str
    saliency: bool
    cpu_seconds: float | None


CASES = (
    Case("efficientnet_lite0", False, 60),
    Case("efficientnet_lite0", True, 150),
    Case("resnet18", True, None),
)
_PEAK_BYTES = 3e9
_HEAD = ("network", "graphs", "CPU s", "clock s", "peak GB", "")


@dataclass(frozen=True)
class Cost:
    """What an export took.

    Attributes:
        cpu_seconds: Of the process, user and system.
        clock_seconds: From its first step to its last.
        peak_bytes: Most resident memory of the process.
        failed: The sentence about failed gates, which untrained networks may have; else empty.
    """

    cpu_seconds: float
    clock_seconds: float
    peak_bytes: int
    failed: str


def settled_weights(name: str, file: Path) -> tuple[str, ...]:
    """Write a network's weights after some batches in training mode; returns the classes."""
    torch.manual_seed(0)
    dataset = open_dataset(_DATA)
    chosen = dataset.samples[: _SETTLING_STEPS * _BATCH]
    images = load_images(chosen, Preprocessing(SIDE, SIDE)).images
    backbone = backbone_named(name)
    pretrained = PRETRAINED_PACKAGE if name == "efficientnet_lite0" else PRETRAINED_NONE
    module: nn.Module = build(name, len(dataset.classes), pretrained).train()
    with torch.no_grad():
        for batch in image_batches(images, _BATCH):
            module((batch - backbone.input_mean) / backbone.input_std)
    save_file({key: value.contiguous() for key, value in module.state_dict().items()}, file)
    return tuple(dataset.classes)


def measure(case: Case, weights: Path) -> Cost:
    """Export one network; to be called in a fresh process."""
    model = UsersModel(case.network, weights, (SIDE, SIDE))
    options = ExportOptions(
        run=None,
        out=weights.with_name("cost.edge"),
        saliency=case.saliency,
        post_training=PostTraining(_DATA, model=model),
    )
    failed, start = "", time.monotonic()
    with plain_reporter() as reporter:
        try:
            export_run(options, reporter)
        except GateError as error:
            failed = str(error)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Cost(
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        clock_seconds=time.monotonic() - start,
        peak_bytes=usage.ru_maxrss * 1024,
        failed=failed,
    )


def _row(case: Case, cost: Cost) -> list[str]:
    limit = "" if case.cpu_seconds is None else f" of {case.cpu_seconds:g}"
    return [
        case.network,
        "with saliency" if case.saliency else "plain",
        f"{cost.cpu_seconds:.0f}{limit}",
        f"{cost.clock_seconds:.0f}",
        f"{cost.peak_bytes / 1e9:.2f} of {_PEAK_BYTES / 1e9:g}",
        "no bundle: gates failed" if cost.failed else "",
    ]


def _exceeds(case: Case, cost: Cost) -> bool:
    too_long = case.cpu_seconds is not None and cost.cpu_seconds > case.cpu_seconds
    return too_long or cost.peak_bytes > _PEAK_BYTES


@click.command(context_settings=SETTINGS)
@click.option(
    "--network",
    "networks",
    multiple=True,
    type=click.Choice(list(dict.fromkeys(case.network for case in CASES))),
    help="Only this one [all].",
)
@click.option("--out", type=click.Path(path_type=Path), help="File for the table.")
def export_cost(networks: Sequence[str], out: Path | None) -> None:
    """Measure whole exports at 160 x 160 pixels; fails if one exceeds its limits."""
    rows, exceeded = [], []
    context = multiprocessing.get_context("spawn")
    for case in CASES:
        if networks and case.network not in networks:
            continue
        with tempfile.TemporaryDirectory(prefix="saliedge-export-") as folder:
            weights = Path(folder) / "weights.safetensors"
            # A process each, so that the peak of memory is its own.
            with context.Pool(1) as pool:
                pool.apply(settled_weights, (case.network, weights))
            with context.Pool(1) as pool:
                cost = pool.apply(measure, (case, weights))
        rows.append(_row(case, cost))
        click.echo("  ".join(rows[-1]) + f"  {cost.failed}", err=True)
        if _exceeds(case, cost):
            exceeded.append(rows[-1])
    text = text_table(_HEAD, rows) + "\n"
    click.echo(text)
    if out is not None:
        atomic_write_text(out, text)
    if exceeded:
        raise GateError(f"{exceeded[0][0]}, {exceeded[0][1]}, exceeds its limits.")


if __name__ == "__main__":
    run_command(export_cost, None, name="export_cost")
