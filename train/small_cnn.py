"""A small convolutional network that trains from scratch on a CPU in minutes."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["SmallCnn"]

# (output channels, stride, expansion) of each inverted residual block.
_BLOCKS = (
    (24, 2, 3),
    (24, 1, 3),
    (48, 2, 3),
    (48, 1, 3),
    (80, 2, 3),
    (80, 1, 3),
)
_STEM_CHANNELS = 16
_HEAD_CHANNELS = 128


class SmallCnn(nn.Module):
    """Inverted residual blocks (arXiv 1801.04381) with ReLU, about 0.13 million parameters.

    Normalised images float32 ``[N, 3, H, W]`` to logits ``[N, classes]``. The last feature map has
    a sixteenth of the image's side; it is averaged and classified by one linear layer, so that
    class activation maps are exact.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = _layer(3, _STEM_CHANNELS, kernel=3, stride=2)
        channels, blocks = _STEM_CHANNELS, []
        for out_channels, stride, expansion in _BLOCKS:
            blocks.append(_InvertedResidual(channels, out_channels, stride, expansion))
            channels = out_channels
        self.blocks = nn.Sequential(*blocks)
        self.head = _layer(channels, _HEAD_CHANNELS, kernel=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(_HEAD_CHANNELS, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of normalised images."""
        logits: Tensor = self.classifier(
            self.pool(self.head(self.blocks(self.stem(image)))).flatten(1)
        )
        return logits


class _InvertedResidual(nn.Module):
    def __init__(self, channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = channels * expansion
        self.expand = _layer(channels, hidden, kernel=1)
        self.depthwise = _layer(hidden, hidden, kernel=3, stride=stride, groups=hidden)
        self.project = _layer(hidden, out_channels, kernel=1, activation=False)
        self.adds = stride == 1 and channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.adds else y


def _layer(
    channels: int,
    out_channels: int,
    *,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    activation: bool = True,
) -> nn.Sequential:
    modules: list[nn.Module] = [
        nn.Conv2d(channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
    ]
    if activation:
        modules.append(nn.ReLU(inplace=True))
    return nn.Sequential(*modules)
