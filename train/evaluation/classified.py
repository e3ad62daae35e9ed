"""Images of a part of a split, and what a run or a bundle says of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import softmax
from edge_runtime.errors import DataError
from train.data import LoadedImages, load_images
from train.evaluation.selection import Selection, select_images
from train.evaluation.targets import Target
from train.run.progress import Reporter

__all__ = ["Classified", "ImageChoice", "classify_part"]


@dataclass(frozen=True)
class ImageChoice:
    """Images whose split is known, or can be made again.

    Attributes:
        source: see ``select_images``.
        split_from: likewise.
        skip_bad: leave out and list unreadable images.
    """

    source: str | None = None
    split_from: Path | None = None
    skip_bad: bool = False


@dataclass(frozen=True, eq=False)
class Classified:
    """Images with their labels and a target's outputs.

    Attributes:
        selection: where they are from.
        loaded: the images as the network takes them.
        labels: int64 ``[N]``, in the target's classes.
        logits: float32 ``[N, C]``.
        probabilities: float64 ``[N, C]``, with the target's temperature.
    """

    selection: Selection
    loaded: LoadedImages
    labels: NDArray[np.int64]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float64]

    @property
    def groups(self) -> list[str]:
        """N names; images that belong together share one."""
        return [sample.group for sample in self.loaded.samples]


def classify_part(
    target: Target,
    choice: ImageChoice,
    part: str,
    reporter: Reporter,
    stages: tuple[str, str] = ("reading images", "classifying"),
) -> Classified:
    """Read the images of a part and classify them.

    Args:
        target: see ``open_target``.
        choice: whose images.
        part: ``test``, ``val``, ``train`` or ``all``.
        reporter: told how it goes.
        stages: what the two halves are called to the user.

    Raises:
        DataError, UsageError: see ``select_images`` and ``load_images``, or the part is empty.
    """
    selection = select_images(target, choice.source, part, choice.split_from)
    if not selection.samples:
        raise DataError(f"{selection.source} has no images in the part {part!r}.")
    reporter.start(stages[0], len(selection.samples))
    loaded = load_images(
        selection.samples,
        target.preprocessing,
        skip_bad=choice.skip_bad,
        advance=reporter.advance,
    )
    reporter.start(stages[1], len(loaded.images))
    logits = target.logits(loaded.images, reporter.advance)
    return Classified(
        selection=selection,
        loaded=loaded,
        labels=loaded.labels(target.classes),
        logits=logits,
        probabilities=softmax(logits, target.temperature),
    )
