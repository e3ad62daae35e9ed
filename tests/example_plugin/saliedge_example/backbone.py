"""A backbone: two convolutions."""

from __future__ import annotations

from torch import nn

from train.backbones import Backbone

__all__ = ["TWO_LAYERS"]


def _make(classes: int, width: float) -> nn.Module:
    channels = int(8 * width)
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, classes),
    )


TWO_LAYERS = Backbone("two_layers", _make, input_mean=127, input_std=64.0, has_width=True)
