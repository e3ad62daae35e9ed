"""Small networks that between them use every operation that can be quantised."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.quantization import QuantizationConfig, QuantizedNetwork
from train.quantization.weights import WeightQuantizer


class Chain(nn.Module):
    """Layers in a row, global pooling and a classifier of three classes."""

    def __init__(self, channels: int, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(F.adaptive_avg_pool2d(self.layers(x), 1).flatten(1))


class Residual(nn.Module):
    """x + f(x), with a ReLU behind it or without."""

    def __init__(self, inner: nn.Module, *, rectified: bool) -> None:
        super().__init__()
        self.inner, self.rectified = inner, rectified

    def forward(self, x: Tensor) -> Tensor:
        total = x + self.inner(x)
        return F.relu(total) if self.rectified else total


class SamePadding(nn.Module):
    """A convolution behind an explicit, asymmetric zero pad, as TensorFlow's models have it."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(self.convolution(F.pad(x, (0, 1, 0, 1))))


class Branches(nn.Module):
    """Two convolutions side by side, joined along the channels."""

    def __init__(self, channels: int, *, rectified: bool) -> None:
        super().__init__()
        self.left = nn.Conv2d(channels, 4, 1)
        self.right = nn.Conv2d(channels, 4, 3, padding=1)
        self.rectified = rectified

    def forward(self, x: Tensor) -> Tensor:
        left, right = F.relu(self.left(x)), self.right(x)
        return torch.cat([left, F.relu(right) if self.rectified else right], dim=1)


class Dense(nn.Module):
    """x and f(x) along the channels, as in DenseNet."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.grown = nn.Conv2d(channels, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, F.relu(self.grown(x))], dim=1)


class PreActivation(nn.Module):
    """x + f(relu(x)): the tensor in front of the activation has two readers."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(F.relu(x))


class ConvolutionalClassifier(nn.Module):
    """A classifier that is a convolution of one cell."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = stem(), nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.adaptive_avg_pool2d(self.stem(x), 1)).flatten(1)


class SqueezeExcite(nn.Module):
    """A gate for each channel from the mean over all cells (arXiv 1709.01507), hard-sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(x, 1)
        return x * F.hardsigmoid(self.expand(F.relu(self.reduce(pooled))))


class LateHead(nn.Module):
    """A layer behind the global pooling, as MobileNetV3 has."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = stem(), nn.Conv2d(8, 16, 1)
        self.classifier = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(self.stem(x), 1)
        return self.classifier(F.hardswish(self.head(pooled)).flatten(1))


def stem(channels: int = 8, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


def depthwise(channels: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(),
    )


def loud_class() -> Chain:
    """A network of small last layers whose second class has twenty times the gradient."""
    model = Chain(8, stem(stride=2), depthwise(8, 3, 2), depthwise(8, 3, 2))
    with torch.no_grad():
        model.classifier.weight[1] *= 20
    return model


NETWORKS = {
    "plain": lambda: Chain(8, stem()),
    "stride_on_odd_size": lambda: Chain(8, stem(stride=2)),
    "asymmetric_padding": lambda: Chain(8, SamePadding()),
    "depthwise": lambda: Chain(8, stem(), depthwise(8, 3, 1)),
    "depthwise_5x5_stride": lambda: Chain(8, stem(), depthwise(8, 5, 2)),
    "grouped": lambda: Chain(8, stem(), nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.ReLU()),
    "dilated": lambda: Chain(8, stem(), nn.Conv2d(8, 8, 3, padding=2, dilation=2), nn.ReLU()),
    "projection": lambda: Chain(12, stem(), nn.Conv2d(8, 12, 1, stride=2)),
    "linear_residual": lambda: Chain(
        8, stem(), Residual(nn.Sequential(depthwise(8, 3, 1), nn.Conv2d(8, 8, 1)), rectified=False)
    ),
    "rectified_residual": lambda: Chain(
        8,
        stem(),
        Residual(nn.Conv2d(8, 8, 3, padding=1), rectified=True),
        Residual(nn.Conv2d(8, 8, 3, padding=1), rectified=True),
    ),
    "batch_norm_of_its_own": lambda: Chain(8, stem(), nn.BatchNorm2d(8), nn.ReLU6()),
    "pre_activation": lambda: Chain(
        8, stem(), nn.Conv2d(8, 8, 1), PreActivation(nn.Conv2d(8, 8, 3, padding=1))
    ),
    "convolutional_classifier": ConvolutionalClassifier,
    "loud_class": loud_class,
    "hard_swish": lambda: Chain(8, nn.Conv2d(3, 8, 3, padding=1), nn.Hardswish()),
    "squeeze_excite": lambda: Chain(8, stem(stride=2), SqueezeExcite(8)),
    "swish_and_excite": lambda: Chain(
        8, nn.Conv2d(3, 8, 3, 2, 1), nn.Hardswish(), SqueezeExcite(8), nn.Conv2d(8, 8, 1)
    ),
    "max_pool": lambda: Chain(8, stem(), nn.MaxPool2d(3, 2, 1)),
    "max_pool_signed": lambda: Chain(8, stem(), nn.Conv2d(8, 8, 1), nn.MaxPool2d(3, 2, 1)),
    "max_pool_apart": lambda: Chain(8, stem(), nn.MaxPool2d(2)),
    "max_pool_everywhere": lambda: Chain(8, stem(), nn.MaxPool2d(3, 1, 1)),
    "max_pool_beyond_the_edge": lambda: Chain(8, stem(), nn.MaxPool2d(2, ceil_mode=True)),
    "avg_pool": lambda: Chain(8, stem(), nn.AvgPool2d(2)),
    "avg_pool_overlapping": lambda: Chain(8, stem(), nn.AvgPool2d(3, 2)),
    "concat": lambda: Chain(8, stem(), Branches(8, rectified=True)),
    "concat_mixed_signs": lambda: Chain(8, stem(), Branches(8, rectified=False)),
    "concat_of_concats": lambda: Chain(12, stem(4), Dense(4), Dense(8), nn.MaxPool2d(2)),
}


def random_images(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth random bytes ``[N, H, W, 3]``, so that neighbouring pixels belong together."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 4, 4, generator=generator)
    fine = F.interpolate(coarse, (height, width), mode="bicubic") * 255
    noise = torch.randn(fine.shape, generator=generator) * 8
    return (fine + noise).clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy()


def as_batch(images: np.ndarray) -> Tensor:
    """uint8 ``[N, H, W, 3]`` to the network's float32 ``[N, 3, H, W]``."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float()


def quantized(
    model: nn.Module,
    images: np.ndarray,
    bits: tuple[int, int] = (8, 8),
    weight_quantizer: WeightQuantizer = "max",
) -> QuantizedNetwork:
    """Capture ``model`` and calibrate it; ``bits`` are those of weights and activations."""
    weight_bits, activation_bits = bits
    config = QuantizationConfig(activation_bits, weight_bits, weight_quantizer)
    height, width = images.shape[1:3]
    network = QuantizedNetwork.from_model(_settled(model, images), height, width, config)
    network.calibrate([as_batch(images)])
    network.quantize = True
    return network.eval()


def _settled(model: nn.Module, images: np.ndarray) -> nn.Module:
    """The model with running statistics of real batches, as after training."""
    with torch.no_grad():
        for _ in range(20):
            model.train()((as_batch(images) - 127) / 128)
    return model.eval()
