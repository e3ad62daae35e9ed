"""What a derived gradient is held against: torch.autograd.grad of the straight-through network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from export.gradient import add_gradient
from export.lower import lower
from export.program import execute
from tests.networks import as_batch, quantized, random_images
from train.quantization import QuantizedNetwork

IMAGES = random_images(8, 18, 21)


def torch_maps(network: QuantizedNetwork, class_index: np.ndarray) -> np.ndarray:
    """``[N, H, W]``: autograd's |d logit / d image|, the maximum over channels."""
    batch = as_batch(IMAGES).requires_grad_()
    scores = network(batch).gather(1, torch.from_numpy(class_index).long()[:, None])
    with network.input_gradient_only():
        (gradient,) = torch.autograd.grad(scores.sum(), batch)
    return gradient.abs().amax(dim=1).numpy()


def correlation(left: np.ndarray, right: np.ndarray) -> list[float]:
    """Pearson's coefficient of each pair of maps; pairs without any signal are left out."""
    return [
        np.corrcoef(a.ravel(), b.ravel())[0, 1]
        for a, b in zip(left, right, strict=True)
        if a.std() > 0 and b.std() > 0
    ]


def assert_follows_autograd(
    model: nn.Module, *, bits: tuple[int, int] = (8, 8), least: float = 0.98
) -> None:
    """The derived maps are autograd's, in shape and in units (logit per grey level)."""
    network = quantized(model, IMAGES, bits)
    got = execute(add_gradient(lower(network), IMAGES), IMAGES)
    expected = torch_maps(network, got["class_index_used"])
    assert np.median(correlation(got["saliency"], expected)) > least
    assert got["saliency"].sum() == pytest.approx(expected.sum(), rel=0.1)
