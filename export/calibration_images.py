"""The training images that an export measures on: a fixed, class-balanced draw.

They fix the scales of the gradients, feed the gates, and give the statistics of the features. Only
the training part is read, so that the test part stays unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import DataError
from export.operations import Conv
from export.program import Program
from export.trained_run import TrainedRun
from train.data import LoadedImages, load_images, open_dataset
from train.data.sampling import balanced_draw
from train.data.sources import recorded_source
from train.data.split import read_split

__all__ = ["check_calibration_images", "load_training_images", "within_memory"]

_FEWEST = 16
# Measured on EfficientNet-Lite0: what deriving a gradient needs at its peak, per image and element
# of all tensors.
_BYTES_PER_ELEMENT = 16
# Measured on ResNet-18, whose first layer outweighs the others: the same, per element of the widest
# gradient, which has a layer's output channels on its input's cells (zeros stand between strides).
_BYTES_PER_WIDEST = 64
_MEMORY_BYTES = 1750 << 20


def load_training_images(
    run: TrainedRun,
    count: int,
    *,
    data: str | None = None,
    seed: int = 0,
    started: Callable[[int], None] | None = None,
    advance: Callable[[int], None] | None = None,
) -> LoadedImages:
    """Read up to ``count`` images of the run's training part, as the network sees them.

    Args:
        run: names the images and their split; a network from elsewhere names none.
        count: images to draw; a smaller training part is read whole.
        data: where the run's images are now; None for where they were.
        seed: of the draw.
        started: called once, before the first image is read, with their number.
        advance: called with the number of images read so far.

    Returns:
        uint8 ``[N, H, W, 3]`` with their records; the first ``n`` are a balanced draw, too.

    Raises:
        DataError: the images are not there, are not those of the run, or cannot be read.
        ArtifactError: the run's configuration or split is damaged.
    """
    if run.directory is None:
        assert data is not None
        listed = [s for s in open_dataset(data).samples if s.part in ("", "train")]
        chosen = [listed[position] for position in balanced_draw(listed, count, seed)]
        if started is not None:
            started(len(chosen))
        return load_images(chosen, run.preprocessing, advance=advance)
    config = run.directory.read_config()
    source = data or recorded_source(
        config.data.source, run.directory.path, "say where they are with --data"
    )
    dataset = open_dataset(source)
    part = read_split(run.directory.split, dataset).part("train")
    drawn = [part[position] for position in balanced_draw(part, count, seed)]
    if started is not None:
        started(len(drawn))
    return load_images(drawn, run.preprocessing, skip_bad=config.data.skip_bad, advance=advance)


def check_calibration_images(
    images: NDArray[np.uint8],
    labels: Sequence[str],
    classes: Sequence[str],
    image_shape: tuple[int, int],
) -> None:
    """Make sure that images can tell something about a network.

    Args:
        images: uint8 ``[N, H, W, 3]``.
        labels: the class of each, N.
        classes: those of the network.
        image_shape: height and width that the network takes.

    Raises:
        DataError: there are fewer than 16, they are of another size, or a class is missing or
            unknown.
    """
    if len(images) < _FEWEST:
        raise DataError(
            f"{len(images)} images are too few to calibrate and check an export with; at least "
            f"{_FEWEST} are needed."
        )
    if images.shape[1:3] != image_shape:
        height, width = images.shape[1:3]
        raise DataError(
            f"the calibration images are {height} x {width} pixels, but the network takes "
            f"{image_shape[0]} x {image_shape[1]}; prepare them as the run's preprocessing does."
        )
    unknown = sorted(set(labels) - set(classes))
    if unknown:
        raise DataError(
            f"the calibration images have the class {unknown[0]!r}, which the network does not "
            f"know ({', '.join(classes)}); calibrate on images of its own classes."
        )
    missing = [name for name in classes if name not in set(labels)]
    if missing:
        raise DataError(
            f"none of the {len(images)} calibration images is of the class {missing[0]!r}"
            + (f" and of {len(missing) - 1} more" if len(missing) > 1 else "")
            + "; add some, or draw more images with --samples."
        )


def within_memory(program: Program, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The first images, as many as can be run backwards in about 1.8 GB (8 at least)."""
    elements = sum(int(np.prod(spec.shape)) for spec in program.tensors.values())
    widest = max(
        (
            len(operation.weight) * int(np.prod(program.tensors[operation.input].shape[1:]))
            for operation in program.operations
            if isinstance(operation, Conv)
        ),
        default=0,
    )
    each = max(elements * _BYTES_PER_ELEMENT, widest * _BYTES_PER_WIDEST)
    return images[: max(8, _MEMORY_BYTES // each)]
