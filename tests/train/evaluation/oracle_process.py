"""Asks Quantus and captum, which live in a folder of their own, about maps and a network.

    python -m tests.train.evaluation.oracle_process INPUT.npz OUTPUT.npz

INPUT has ``maps`` float ``[N, H, W]``, ``masks`` bool of the same shape, ``images`` float32
``[N, 3, H, W]``, bytes, ``labels`` and ``weight``, ``kernel`` of the network of :func:`network`.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from torch import nn

MEAN, STD = 127, 128


def network(kernel: np.ndarray, weight: np.ndarray) -> nn.Module:
    """A convolution, a ReLU, the mean over the picture and a linear layer, of these weights."""
    made = nn.Sequential(
        nn.Conv2d(3, len(kernel), 3, padding=1, bias=False),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(weight.shape[1], len(weight), bias=False),
    )
    with torch.no_grad():
        made[0].weight.copy_(torch.tensor(kernel))
        made[4].weight.copy_(torch.tensor(weight))
    return made


def main(source: str, target: str) -> None:
    """Write what they say: ``pointing``, ``energy`` and ``gradient``."""
    import captum.attr
    import quantus

    given = np.load(source)
    model = network(given["kernel"], given["weight"])
    options = {"disable_warnings": True, "display_progressbar": False, "normalise": False}
    asked = {
        "model": model,
        "x_batch": given["images"],
        "y_batch": given["labels"],
        "a_batch": given["maps"][:, None],
        "s_batch": given["masks"][:, None].astype(np.int64),
    }
    images = torch.tensor(given["images"], requires_grad=True)
    explainer = captum.attr.Saliency(lambda image: model((image - MEAN) / STD))
    slopes = explainer.attribute(images, torch.tensor(given["labels"]), abs=True)
    np.savez(
        target,
        pointing=np.array(quantus.PointingGame(abs=True, **options)(**asked), np.float64),
        energy=np.array(quantus.AttributionLocalisation(abs=True, **options)(**asked)),
        gradient=slopes.amax(dim=1).detach().numpy(),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
