"""The training images that an export measures on: a fixed, class-balanced draw.

They fix the scales of the gradients, feed the gates, and give the statistics of the features. Only
the training part is read, so that the test part stays unseen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import DataError
from export.program import Program
from export.trained_run import TrainedRun
from train.data import LoadedImages, Sample, load_images, open_dataset
from train.data.sources import SYNTHETIC_PREFIX
from train.data.split import read_split

__all__ = ["balanced_draw", "load_training_images", "within_memory"]

_FEWEST = 16
# Measured on EfficientNet-Lite0: what deriving a gradient needs at its peak, per image.
_BYTES_PER_ELEMENT = 16
_MEMORY_BYTES = 1750 << 20


def load_training_images(
    run: TrainedRun,
    count: int,
    *,
    data: str | None = None,
    seed: int = 0,
    advance: Callable[[int], None] | None = None,
) -> LoadedImages:
    """Read up to ``count`` images of the run's training part, as the network sees them.

    Args:
        run: names the images and their split.
        count: images to draw; a smaller training part is read whole.
        data: where the run's images are now; None for where they were.
        seed: of the draw.
        advance: called with the number of images read so far.

    Returns:
        uint8 ``[N, H, W, 3]`` with their records; the first ``n`` are a balanced draw, too.

    Raises:
        DataError: the images are not there, are not those of the run, cannot be read, or are too
            few to measure anything on.
        ArtifactError: the run's configuration or split is damaged.
    """
    config = run.directory.read_config()
    source = data or config.data.source
    if data is None and not source.startswith(SYNTHETIC_PREFIX) and not Path(source).exists():
        raise DataError(
            f"the images of {run.directory.path} are not at {source} any more; say where they are "
            "with --data."
        )
    dataset = open_dataset(source)
    part = read_split(run.directory.split, dataset).part("train")
    drawn = balanced_draw(part, count, seed)
    if len(drawn) < _FEWEST:
        raise DataError(
            f"{len(drawn)} training images of {source} are too few to check an export with; "
            f"at least {_FEWEST} are needed."
        )
    return load_images(drawn, run.preprocessing, skip_bad=config.data.skip_bad, advance=advance)


def balanced_draw(samples: Sequence[Sample], count: int, seed: int) -> tuple[Sample, ...]:
    """Draw without replacement, a class after the other; one that runs out is passed over.

    The order within a class is that of a hash of seed and name: the same on every machine, and
    independent of the other images.
    """
    by_class: dict[str, list[Sample]] = {}
    for sample in samples:
        by_class.setdefault(sample.label, []).append(sample)
    for members in by_class.values():
        members.sort(key=lambda sample: hashlib.sha256(f"{seed}:{sample.key}".encode()).digest())
    drawn: list[Sample] = []
    turn = 0
    while len(drawn) < min(count, len(samples)):
        drawn.extend(
            by_class[label][turn] for label in sorted(by_class) if turn < len(by_class[label])
        )
        turn += 1
    return tuple(drawn[:count])


def within_memory(program: Program, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The first images, as many as can be run backwards in about 1.8 GB (8 at least)."""
    elements = sum(int(np.prod(spec.shape)) for spec in program.tensors.values())
    return images[: max(8, _MEMORY_BYTES // (elements * _BYTES_PER_ELEMENT))]
