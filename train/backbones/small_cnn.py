"""A small convolutional network that trains from scratch on a CPU in minutes."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

__all__ = ["SmallCnn", "scaled"]

# Output channels of the layers that halve the side; all but the first are followed by a residual
# block. Narrow and plain: on a CPU, 3 x 3 convolutions of few channels are faster than depthwise
# ones of many, and from scratch they learned the synthetic set in fewer steps.
_STAGES = (16, 24, 48, 48)


def scaled(channels: int, width: float) -> int:
    """Channels times a width multiplier: a multiple of 8, which kernels like, and at least 8."""
    return channels if width == 1.0 else max(8, round(channels * width / 8) * 8)


class SmallCnn(nn.Module):
    """Residual blocks (arXiv 1512.03385) with ReLU, 0.13 million parameters, no max pooling.

    Normalised images float32 ``[N, 3, H, W]`` to logits ``[N, classes]``. The last feature map has
    a sixteenth of the image's side; it is averaged and classified by one linear layer, so that
    class activation maps are exact.

    Args:
        classes: number of logits.
        width: factor of the channel counts.
    """

    def __init__(self, classes: int, width: float = 1.0) -> None:
        super().__init__()
        counts = [scaled(channels, width) for channels in _STAGES]
        self.stem = _layer(3, counts[0], stride=2)
        stages: list[nn.Module] = []
        for channels, out_channels in pairwise(counts):
            down = _layer(channels, out_channels, stride=2)
            stages.append(nn.Sequential(down, _Residual(out_channels)))
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(counts[-1], classes)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of normalised images."""
        logits: Tensor = self.classifier(self.pool(self.stages(self.stem(image))).flatten(1))
        return logits


class _Residual(nn.Module):
    """relu(x + two layers of x)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _layer(channels, channels)
        self.second = _layer(channels, channels, activation=False)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.activation(x + self.second(self.first(x)))
        return y


def _layer(
    channels: int, out_channels: int, *, stride: int = 1, activation: bool = True
) -> nn.Sequential:
    modules: list[nn.Module] = [
        nn.Conv2d(channels, out_channels, 3, stride, 1, bias=False),
        nn.BatchNorm2d(out_channels),
    ]
    if activation:
        modules.append(nn.ReLU(inplace=True))
    return nn.Sequential(*modules)
