"""Golden inputs: synthetic pictures with the outputs that every device must give for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime import synthetic
from edge_runtime.bundle import Golden
from edge_runtime.preprocessing import Preprocessing
from export.candidate import Candidate, output_step
from export.checks.gates import GateThresholds
from export.program import LOGITS, SALIENCY, execute

__all__ = ["GoldenSet", "golden_images", "make_golden"]

# Seeds far from those that data sets are drawn with.
_SEEDS = (7_900_000_001, 7_900_000_002)
_SMALLEST_FRAME = 128


@dataclass(frozen=True)
class GoldenSet:
    """The record for ``bundle.json`` and the arrays that it names."""

    record: Golden
    arrays: dict[str, NDArray[np.generic]]


def golden_images(preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Two synthetic pictures of each synthetic class as network bytes, uint8 ``[6, H, W, 3]``.

    They show no patient, so they may travel with every bundle; the network's own classes do not
    matter here.
    """
    size = max(_SMALLEST_FRAME, preprocessing.height, preprocessing.width)
    frames = [
        synthetic.generate(label, seed, size=size).image
        for seed in _SEEDS
        for label in synthetic.CLASSES
    ]
    return np.stack([preprocessing.apply(frame) for frame in frames])


def make_golden(
    candidate: Candidate, images: NDArray[np.uint8], thresholds: GateThresholds
) -> GoldenSet:
    """Run the exact reference on the golden images, the top class explained.

    Args:
        candidate: its programs.
        images: from :func:`golden_images`.
        thresholds: what the export asked of its engines is what a device is asked for.
    """
    arrays: dict[str, NDArray[np.generic]] = {
        "golden-images.npy": images,
        "golden-logits.npy": execute(candidate.plain, images)[LOGITS],
    }
    maps: dict[str, str] = {}
    for mode, program in candidate.programs.items():
        if mode == "none":
            continue
        maps[mode] = f"golden-{mode}.npy"
        arrays[maps[mode]] = execute(program, images)[SALIENCY]
    record = Golden(
        images_file="golden-images.npy",
        logits_file="golden-logits.npy",
        logit_step=output_step(candidate.plain, LOGITS),
        saliency_files=maps,
        max_steps=thresholds.logit_steps,
        min_correlation=thresholds.golden_pearson,
    )
    return GoldenSet(record, arrays)
