"""One trial of a network before hours are spent on it: does it run, and can it be quantised?"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edge_runtime.errors import UsageError
from train.backbones.backbone import Backbone
from train.quantization import capture
from train.source_lines import where_raised

__all__ = ["try_backbone"]

_IMAGES = 2


def try_backbone(
    backbone: Backbone, classes: int, *, height: int, width: int, multiplier: float = 1.0
) -> None:
    """Make the network, run it on black images as in training and as in evaluation, and capture it.

    Args:
        backbone: any.
        classes: number of logits that it must give.
        height: of the input, in pixels.
        width: of the input, in pixels.
        multiplier: of its channel counts.

    Raises:
        UsageError: it cannot be made, fails, or gives something else than logits.
        ArtifactError: it holds an operation that has no integer form; the sentence names the
            operation, its module and its source line.
    """
    with torch.random.fork_rng(devices=[]):
        module = backbone.make(classes, multiplier)
        images = torch.zeros(_IMAGES, 3, height, width)
        for training in (True, False):
            _check_logits(backbone.name, module.train(training), images, classes)
    capture(module, images[:1])


def _check_logits(name: str, module: nn.Module, images: Tensor, classes: int) -> None:
    height, width = images.shape[2:]
    try:
        with torch.no_grad():
            logits = module(images)
    except Exception as error:
        raise UsageError(
            f"--backbone {name}: on images of {width}x{height} pixels its forward raised "
            f"{where_raised(error)}; repair it or choose another --size."
        ) from error
    if not isinstance(logits, Tensor):
        raise UsageError(
            f"--backbone {name}: its forward gave a {type(logits).__name__}; it must return the "
            "logits alone, one tensor."
        )
    if logits.shape != (len(images), classes):
        raise UsageError(
            f"--backbone {name}: its forward gave {list(logits.shape)} for {len(images)} images; "
            f"it must give logits [{len(images)}, {classes}], one for each class."
        )
