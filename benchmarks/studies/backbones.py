"""What the export makes of each backbone: what is left in float, in how many parts, at what cost.

    python -m benchmarks.studies.backbones --out docs/results/backbones.md

Each network gets random weights, batch norm statistics and ranges from random smooth images, is
lowered, and written in both formats with every map that it has, in a process of its own. Float
operations are counted in what ONNX Runtime executes after its optimisations and in what LiteRT
loads; the parts are those that LiteRT hands to XNNPACK. Prints a Markdown table.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
import torch

from benchmarks.studies.partitions import delegated_partitions
from benchmarks.studies.untrained import CLASSES, smooth_images, untrained_network
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import GateError, SaliedgeError, run_command
from edge_runtime.files import atomic_write_text
from export.candidate import Candidate, GraphFile, emit_candidate
from export.checks.integer_proof import (
    float_operations_onnx,
    float_operations_tflite,
    optimized_onnx,
)
from train.backbones import backbone_named, try_backbone

__all__ = ["NAMES", "backbones", "measure"]

NAMES = (
    "efficientnet_lite0",
    "mobilenet_v2",
    "resnet18",
    "resnet50",
    "small_cnn",
    "squeeze_cnn",
    "timm:mobilenetv3_small_100",
)
_HEAD = (
    "# What the export makes of each backbone",
    "",
    "`python -m benchmarks.studies.backbones` at {size} x {size} pixels, random weights, one",
    "process each. Float operations are those between the image's bytes and the outputs, in the",
    "graph that ONNX Runtime executes after its optimisations and in the one that LiteRT loads;",
    "parts are what LiteRT hands to XNNPACK, outside what it keeps. Seconds and memory are those",
    "of lowering, deriving and writing all graphs, on a machine that others used as well: no",
    "measure of speed.",
    "",
    "Hard-swish, hard sigmoid and squeeze-excite (MobileNetV3) are integer: a hard sigmoid is a",
    "depthwise layer of one cell, clipped at 0 and 1 by its site, a gate is a product, and its",
    "gradient a product with the other factor, added up over the cells. A network with a layer",
    "behind its global pooling, as MobileNetV3 has, has no exact class activation map and gets",
    "none. Sigmoid, SiLU and GELU are refused with the operation and its source line before",
    "anything is trained. Both runtimes have an integer sigmoid, but LiteRT's has a fixed range",
    "of its output, which no site that is trained here has.",
    "",
    "| backbone | graph | float operations, ONNX Runtime | LiteRT | parts for XNNPACK | outside | "
    "MB, ONNX / TFLite |",
    "|---|---|---|---|---|---|---|",
)


def measure(name: str, side: int) -> list[str]:
    """The rows of one network, and what its export cost.

    Args:
        name: as in ``--backbone``.
        side: of the square input, in pixels.

    Raises:
        GateError: an operation is left in float.
        SaliedgeError: the sentence that refuses the network.
    """
    torch.manual_seed(0)
    backbone = backbone_named(name)
    try_backbone(backbone, CLASSES, height=side, width=side)
    images = smooth_images(side)
    network = untrained_network(backbone, images)
    start = time.perf_counter()
    candidate = emit_candidate(network, images)
    seconds = time.perf_counter() - start
    rows = [_row(name, candidate, mode) for mode in candidate.programs]
    missing = "".join(f" No {mode}: {why}" for mode, why in candidate.left_out.items())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append(f"| | {seconds:.0f} s, at most {peak:.0f} MB.{missing} | | | | | |")
    return rows


def _row(name: str, candidate: Candidate, mode: str) -> str:
    in_onnx, in_tflite = candidate.graph("onnx", mode), candidate.graph("tflite", mode)
    floats = [
        float_operations_onnx(optimized_onnx(in_onnx.model)),
        float_operations_tflite(in_tflite.model),
    ]
    if any(floats):
        raise GateError(f"{name}, {mode}: {(floats[0] + floats[1])[0]} is left in float.")
    parts = delegated_partitions(in_tflite.model)
    outside = ", ".join(f"{n} {kind}" for kind, n in sorted(Counter(parts.outside).items()))
    label = "plain" if mode == "none" else mode
    return (
        f"| `{name}` | {label} | {len(floats[0])} | {len(floats[1])} | {parts.count} | {outside} | "
        f"{_megabytes(in_onnx)} / {_megabytes(in_tflite)} |"
    )


def _megabytes(graph: GraphFile) -> str:
    return f"{len(graph.model) / 1e6:.2f}"


def _measured(name: str, side: int) -> list[str]:
    """The rows, or the sentence that refuses the network; what is left in float is an error."""
    try:
        return measure(name, side)
    except GateError:
        raise
    except SaliedgeError as error:
        return [f"| `{name}` | refused: {error} | | | | | |"]


@click.command(context_settings=SETTINGS)
@click.argument("names", nargs=-1)
@click.option("--size", type=int, default=96, show_default=True, help="Side of the input.")
@click.option("--out", type=click.Path(path_type=Path), help="Markdown file.")
def backbones(names: Sequence[str], size: int, out: Path | None) -> None:
    """Export backbones by NAMES; without, the list of this script."""
    lines = [line.format(size=size) for line in _HEAD]
    for name in names or NAMES:
        # A process each, so that the peak of its memory is its own.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            rows = pool.apply(_measured, (name, size))
        lines += rows
        for row in rows:
            click.echo(row)
    if out is not None:
        atomic_write_text(out, "\n".join(lines) + "\n")


if __name__ == "__main__":
    run_command(backbones, None, name="backbones")
