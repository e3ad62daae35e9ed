"""Networks that nobody trained, as bundles: what a graph costs depends little on its weights.

    python -m benchmarks.studies.untrained efficientnet_lite0 --size 224 --out lite0.edge

Random weights, whose batch norms and ranges are those of random smooth images. Such a bundle has
every graph of a real one and its float reference beside it. It has passed no gate, holds no golden
outputs, and is good for counting and measuring alone: in ONNX Runtime the INT8 graphs of
EfficientNet-Lite0 take 1 % fewer instructions than after training.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from edge_runtime.bundle import Bundle, BundleSpec, FileRecord, open_bundle, reference_path
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import run_command
from edge_runtime.files import refuse_existing, sha256_bytes
from edge_runtime.preprocessing import Preprocessing
from export.bundle_writer import BundleContents, is_bundle, write_bundle, write_reference
from export.candidate import emit_candidate, emit_references
from export.near_ties import settle_sums
from export.trained_run import TrainedRun
from train.backbones import Backbone, backbone_named
from train.quantization import QuantizationConfig, QuantizedNetwork

__all__ = ["CLASSES", "smooth_images", "untrained_bundle", "untrained_network", "write_untrained"]

CLASSES = 5
_IMAGES = 16
_SETTLING_STEPS = 3
# The scales of gradients come from so many images; more of them cost time and change no count.
_DERIVED_FROM = 2


def smooth_images(side: int) -> NDArray[np.uint8]:
    """Random pictures without edges and with a little noise, uint8 ``[16, side, side, 3]``."""
    coarse = torch.rand(_IMAGES, 3, 5, 5)
    fine = F.interpolate(coarse, (side, side), mode="bicubic") * 255
    noisy = (fine + torch.randn(fine.shape) * 8).clamp(0, 255).byte()
    return noisy.permute(0, 2, 3, 1).contiguous().numpy()


def untrained_network(backbone: Backbone, images: NDArray[np.uint8]) -> QuantizedNetwork:
    """A network of random weights, quantising.

    Args:
        backbone: which.
        images: uint8 ``[N, H, W, 3]``, which settle its batch norms and ranges.
    """
    module: nn.Module = backbone.make(CLASSES).train()
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    normalised = (batch - backbone.input_mean) / backbone.input_std
    with torch.no_grad():
        for _ in range(_SETTLING_STEPS):
            module(normalised)
    config = QuantizationConfig(input_mean=backbone.input_mean, input_std=backbone.input_std)
    height, width = images.shape[1:3]
    network = QuantizedNetwork.from_model(module.eval(), height, width, config)
    network.calibrate([batch])
    network.quantize = True
    return network.eval()


def write_untrained(name: str, side: int, path: Path) -> Bundle:
    """Write a bundle and its reference, and open it.

    Args:
        name: of the backbone.
        side: of the square input, in pixels.
        path: ``NAME.edge``; an earlier bundle there is replaced.

    Raises:
        UsageError: there is no such backbone.
        ArtifactError: an operation has no integer form.
        OutputError: the place is read-only or full.
    """
    torch.manual_seed(0)
    images = smooth_images(side)
    network = untrained_network(backbone_named(name), images)
    settle_sums(network)
    candidate = emit_candidate(network, images[:_DERIVED_FROM])
    files = {graph.spec.file: graph.model for graph in candidate.graphs}
    run = _run_of(name, network)
    contents = BundleContents(
        BundleSpec(
            name=f"{name}-untrained",
            classes=run.classes,
            preprocessing=run.preprocessing,
            graphs=tuple(graph.spec for graph in candidate.graphs),
            files={file: FileRecord(sha256_bytes(data), len(data)) for file, data in files.items()},
            provenance=run.provenance,
        ),
        files,
    )
    write_reference(reference_path(path), run, emit_references(network), contents)
    write_bundle(path, contents, force=True)
    return open_bundle(path)


def _run_of(name: str, network: QuantizedNetwork) -> TrainedRun:
    return TrainedRun(
        directory=None,
        network=network,
        classes=tuple(f"class {index}" for index in range(CLASSES)),
        preprocessing=Preprocessing(*network.image_shape),
        temperature=1.0,
        operating_points=(),
        validation=None,
        provenance={"backbone": name, "trained": False},
        activations={},
        checkpoint_sha256="",
        ranges="of random weights on random images",
    )


@click.command(context_settings=SETTINGS)
@click.argument("backbone")
@click.option("--size", type=int, default=160, show_default=True, help="Side of the input.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="NAME.edge")
@click.option("--force", is_flag=True, help="Replace an earlier bundle.")
def untrained_bundle(backbone: str, size: int, out: Path, force: bool) -> None:
    """Write a bundle of a BACKBONE that was not trained."""
    refuse_existing(out, force, is_bundle)
    bundle = write_untrained(backbone, size, out)
    click.echo(f"{out}: {backbone} at {size} x {size}, bundle {bundle.sha256[:12]}, not trained")


if __name__ == "__main__":
    run_command(untrained_bundle, None, name="untrained")
