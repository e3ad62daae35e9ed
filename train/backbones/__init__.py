"""The networks that can be trained: those of the registry, any of timm, and the user's own.

A backbone takes a normalised image ``(byte - input_mean) / input_std``, float32 ``[N, 3, H, W]``,
and gives logits ``[N, classes]``. The mean is an integer and the same for all channels, so that it
folds exactly into the first integer convolution, padding included.
"""

from train.backbones.backbone import Backbone, one_mean
from train.backbones.registry import BACKBONES, backbone_named, check_name
from train.backbones.trial import try_backbone
from train.backbones.weights import PRETRAINED_NONE, PRETRAINED_PACKAGE, build, load_whole

__all__ = [
    "BACKBONES",
    "PRETRAINED_NONE",
    "PRETRAINED_PACKAGE",
    "Backbone",
    "backbone_named",
    "build",
    "check_name",
    "load_whole",
    "one_mean",
    "try_backbone",
]
