"""The measures of saliency beside those of Quantus and captum, of the same maps and network.

Both are installed into a folder of their own: Quantus asks for another OpenCV than the runtime.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from edge_runtime.metrics import energy_inside, pointing
from tests.networks import as_batch, quantized
from tests.requirements import require_patience
from tests.train.evaluation.oracle_process import network
from train.attribution import gradient

PACKAGES = (
    "quantus==0.6.0", "captum==0.9.0", "matplotlib", "contourpy", "cycler", "fonttools",
    "kiwisolver", "pyparsing", "scikit-image", "lazy-loader", "imageio", "tifffile",
)  # fmt: skip
COUNT, SIDE, CLASSES = 24, 16, 3


@pytest.fixture(scope="module")
def given() -> dict[str, np.ndarray]:
    """Maps with masks of all sizes, and images with a network."""
    rng = np.random.default_rng(3)
    masks = np.zeros((COUNT, SIDE, SIDE), bool)
    for mask in masks:
        top, left = rng.integers(0, SIDE - 2, 2)
        mask[top : top + rng.integers(2, SIDE), left : left + rng.integers(2, SIDE)] = True
    return {
        "maps": rng.random((COUNT, SIDE, SIDE)) ** 3,
        "masks": masks,
        "images": rng.integers(0, 256, (COUNT, 3, SIDE, SIDE)).astype(np.float32),
        "labels": rng.integers(0, CLASSES, COUNT),
        "kernel": rng.normal(0, 0.2, (6, 3, 3, 3)).astype(np.float32),
        "weight": rng.normal(0, 0.5, (CLASSES, 6)).astype(np.float32),
    }


@pytest.fixture(scope="module")
def oracles(
    given: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, np.ndarray]:
    """What the other two say."""
    require_patience("half a minute, and fetches 13 packages")
    folder = tmp_path_factory.mktemp("oracles")
    packages, source, target = folder / "packages", folder / "in.npz", folder / "out.npz"
    np.savez(source, **given)
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--target", packages, *PACKAGES)
    subprocess.run([sys.executable, *install], check=True)
    paths = os.pathsep.join([str(packages), str(Path(__file__).parents[3])])
    subprocess.run(
        [sys.executable, "-m", "tests.train.evaluation.oracle_process", source, target],
        env={**os.environ, "PYTHONPATH": paths, "MPLCONFIGDIR": str(folder)},
        check=True,
    )
    return np.load(target)


def test_pointing_is_that_of_quantus(
    given: dict[str, np.ndarray], oracles: Mapping[str, np.ndarray]
) -> None:
    ours = [pointing(one, mask) for one, mask in zip(given["maps"], given["masks"], strict=True)]
    assert ours == oracles["pointing"].tolist()
    assert 0 < np.mean(ours) < 1


def test_energy_is_that_of_quantus(
    given: dict[str, np.ndarray], oracles: Mapping[str, np.ndarray]
) -> None:
    pairs = zip(given["maps"], given["masks"], strict=True)
    ours = [energy_inside(one, mask) for one, mask in pairs]
    np.testing.assert_allclose(ours, oracles["energy"], rtol=1e-9)


def test_the_gradient_is_that_of_captum(
    given: dict[str, np.ndarray], oracles: Mapping[str, np.ndarray]
) -> None:
    images = given["images"].astype(np.uint8).transpose(0, 2, 3, 1)
    made = quantized(network(given["kernel"], given["weight"]), images)
    made.quantize = False
    ours = gradient(made, as_batch(images), torch.tensor(given["labels"]))
    np.testing.assert_allclose(ours.numpy(), oracles["gradient"], rtol=1e-4, atol=1e-7)
