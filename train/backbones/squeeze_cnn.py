"""A small network of Fire modules, whose concatenations need few weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from train.backbones.small_cnn import scaled

__all__ = ["SqueezeCnn"]

# Channels of the squeeze layer and of each of the two expand layers; a None halves the side.
_FIRES: tuple[tuple[int, int] | None, ...] = (
    (16, 32),
    (16, 32),
    None,
    (24, 48),
    (24, 48),
    None,
    (32, 64),
    (32, 64),
)
_STEM = 32


class SqueezeCnn(nn.Module):
    """Fire modules (SqueezeNet, arXiv 1602.07360, section 3), 0.15 million parameters.

    Normalised images float32 ``[N, 3, H, W]`` to logits ``[N, classes]``. It differs from the
    original in three points: batch norm, which lets it train from scratch and is folded away;
    windows of 2 x 2 in the max pooling; and an end of global average pooling and one linear layer
    in place of a convolution with ReLU, so that class activation maps are exact. The last feature
    map has an eighth of the image's side.

    Args:
        classes: number of logits.
        width: factor of the channel counts.
    """

    def __init__(self, classes: int, width: float = 1.0) -> None:
        super().__init__()
        channels = scaled(_STEM, width)
        self.stem = _layer(3, channels, 3, stride=2)
        stages: list[nn.Module] = []
        for fire in _FIRES:
            if fire is None:
                stages.append(nn.MaxPool2d(2))
                continue
            squeezed, expanded = (scaled(count, width) for count in fire)
            stages.append(_Fire(channels, squeezed, expanded))
            channels = 2 * expanded
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of normalised images."""
        logits: Tensor = self.classifier(self.pool(self.stages(self.stem(image))).flatten(1))
        return logits


class _Fire(nn.Module):
    """Squeeze by 1 x 1, then expand by 1 x 1 and by 3 x 3, side by side."""

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = _layer(channels, squeezed, 1)
        self.expand_1x1 = _layer(squeezed, expanded, 1)
        self.expand_3x3 = _layer(squeezed, expanded, 3)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = self.squeeze(x)
        return torch.cat([self.expand_1x1(squeezed), self.expand_3x3(squeezed)], dim=1)


def _layer(channels: int, out_channels: int, kernel: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out_channels, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )
