"""Which networks of timm can be trained here, tried one after the other.

    python -m benchmarks.studies.timm_networks --out docs/results/timm-networks.md

For each name: one float step, batch norm folded, ranges calibrated, and one step of the second
phase with PACT and saliency guidance, all on random images. Or the sentence that refuses it. Prints
and writes a Markdown table.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import GateError, SaliedgeError, run_command
from edge_runtime.files import atomic_write_text
from train.backbones import Backbone, backbone_named, try_backbone
from train.guidance import Guidance, guided_loss
from train.quantization import QuantizationConfig, QuantizedNetwork

__all__ = ["NAMES", "timm_networks", "try_network"]

NAMES = (
    "resnet10t", "resnet18", "resnet18d", "resnet26", "resnet50", "wide_resnet50_2",
    "resnext50_32x4d", "gernet_s", "regnetx_002", "regnetx_004", "repvgg_a0", "mobileone_s0",
    "mobilenetv2_050", "mobilenetv2_100", "mnasnet_100", "fbnetc_100", "spnasnet_100",
    "tf_efficientnet_lite0", "tf_efficientnet_lite1", "mobilenetv4_conv_small", "densenet121",
    "selecsls42b", "vovnet39a", "dla34", "xception41", "vgg11_bn", "inception_v3",
    "mobilenetv3_small_100", "lcnet_050", "efficientnet_b0", "rexnet_100", "darknet17",
    "seresnet18", "regnety_002", "ghostnet_100", "res2net50_26w_4s", "mixnet_s", "resnetblur18",
    "hrnet_w18_small", "nf_resnet26", "convnext_atto", "vit_tiny_patch16_224",
)  # fmt: skip
_CLASSES = 3
_IMAGES = 2


def try_network(name: str, side: int) -> str:
    """Train one network for a step in each phase.

    Args:
        name: as in ``--backbone``.
        side: of the square input, in pixels.

    Returns:
        What there is to say of it, for the table.

    Raises:
        SaliedgeError: the sentence that refuses it.
        GateError: it was captured, but does not train.
    """
    torch.manual_seed(0)
    backbone = backbone_named(name)
    try_backbone(backbone, _CLASSES, height=side, width=side)
    module = backbone.make(_CLASSES)
    images = torch.randint(0, 256, (_IMAGES, 3, side, side)).float()
    labels = torch.arange(_IMAGES) % _CLASSES
    _float_step(module, backbone, images, labels)
    config = QuantizationConfig(input_mean=backbone.input_mean, input_std=backbone.input_std)
    network = QuantizedNetwork.from_model(module.eval(), side, side, config)
    network.calibrate([images])
    network.quantize = True
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
    terms = guided_loss(network, images, labels, Guidance(fill="mean"))
    terms.total.backward()  # type: ignore[no-untyped-call]
    still = [key for key, alpha in network.alphas().items() if not alpha > 0]
    gradients = [parameter.grad for parameter in network.parameters()]
    if still or any(gradient is None or not gradient.isfinite().all() for gradient in gradients):
        raise GateError(f"{name} was captured, but a gradient of its second phase is not finite.")
    optimizer.step()
    weights = sum(layer.weight.numel() for layer in map(network.layer_of, network.layers))
    return f"trains: {weights / 1e6:.1f} million weights, {len(network.sites)} sites"


def _float_step(module: nn.Module, backbone: Backbone, images: Tensor, labels: Tensor) -> None:
    optimizer = torch.optim.SGD(module.train().parameters(), lr=1e-3)
    logits = module((images - backbone.input_mean) / backbone.input_std)
    F.cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


@click.command(context_settings=SETTINGS)
@click.argument("names", nargs=-1)
@click.option("--size", type=int, default=96, show_default=True, help="Side of the input.")
@click.option("--out", type=click.Path(path_type=Path), help="Markdown file.")
def timm_networks(names: Sequence[str], size: int, out: Path | None) -> None:
    """Try networks of timm by NAMES; without, the list of this script."""
    lines = [
        "# Networks of timm that were tried",
        "",
        f"`python -m benchmarks.studies.timm_networks` at {size} x {size} pixels: a float step,",
        "batch norm folded, a step with PACT and saliency guidance; or why the network is refused.",
        "",
        "| `--backbone` | |",
        "|---|---|",
    ]
    for name in names or NAMES:
        try:
            said = try_network(f"timm:{name}", size)
        except GateError:
            raise
        except SaliedgeError as error:
            said = f"refused: {error}"
        lines.append(f"| `timm:{name}` | {said} |")
        click.echo(lines[-1])
    if out is not None:
        atomic_write_text(out, "\n".join(lines) + "\n")


if __name__ == "__main__":
    run_command(timm_networks, None, name="timm_networks")
