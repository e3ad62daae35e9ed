"""Batches as the networks take them: byte values, float32, NCHW in channels-last memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from train.data.augment import Augmentation, augment, keyed_generator
from train.data.cache import LoadedImages

__all__ = ["WHOLE_BATCH", "Batch", "Share", "TrainingBatches", "image_batches", "to_tensor"]


@dataclass(frozen=True)
class Share:
    """What one process's part of a batch counts for; one process has all of it.

    With R processes, n images in the batch and n_r of them here, the mean of a loss l over the
    batch is the mean over the processes of ``(R n_r / n) mean_r(l)``. The cross entropy with class
    weights divides by their sum W over the labels, so that its factor is ``R W_r / W``. Averaged
    gradients are therefore those of the whole batch, however unequal the parts are.

    Attributes:
        images: ``R n_r / n``, for means over images.
        weight: ``R W_r / W``, for the cross entropy.
    """

    images: float = 1.0
    weight: float = 1.0

    @classmethod
    def of(cls, here: NDArray[np.float64], batch: NDArray[np.float64], count: int) -> Share:
        """From the class weights of the images here and of all in the batch, and R."""
        return cls(count * len(here) / len(batch), count * float(here.sum() / batch.sum()))


WHOLE_BATCH = Share()


@dataclass(frozen=True)
class Batch:
    """One step's images, of which this process has its share.

    Attributes:
        image: float32 ``[N, 3, H, W]``, byte values.
        label: int64 ``[N]``.
        noise: float32 ``[N, 3, H, W]`` in [0, 1] for the mask, or None if not asked for.
        share: what these images count for.
    """

    image: Tensor
    label: Tensor
    noise: Tensor | None
    share: Share = WHOLE_BATCH


def to_tensor(images_nhwc: NDArray[np.uint8], device: torch.device | None = None) -> Tensor:
    """uint8 ``[N, H, W, 3]`` to float32 ``[N, 3, H, W]`` with the same byte values."""
    # A view with the axes exchanged is channels-last already.
    return (
        torch.from_numpy(np.ascontiguousarray(images_nhwc)).to(device).permute(0, 3, 1, 2).float()
    )


def image_batches(
    images: NDArray[np.uint8], batch_size: int, device: torch.device | None = None
) -> Iterator[Tensor]:
    """All images in order, unaugmented."""
    for start in range(0, len(images), batch_size):
        yield to_tensor(images[start : start + batch_size], device)


class TrainingBatches:
    """Makes the augmented batch of given positions; every bit is keyed by seed, epoch and image."""

    def __init__(
        self,
        loaded: LoadedImages,
        labels: NDArray[np.int64],
        augmentation: Augmentation,
        seed: int,
        device: torch.device,
    ) -> None:
        self._loaded, self._labels, self._augmentation = loaded, labels, augmentation
        self._seed, self._device = seed, device

    def make(self, chosen: NDArray[np.int64], epoch: int, *, with_noise: bool) -> Batch:
        """The batch of some images in one epoch.

        Args:
            chosen: int64 ``[n, 2]``, position and turn, see ``epoch_batches``.
            epoch: counted over both phases.
            with_noise: whether the mask will be filled at random.
        """
        positions = chosen[:, 0]
        keys = [(epoch, int(turn), self._loaded.samples[p].key) for p, turn in chosen]
        views = [
            augment(self._loaded.images[p], self._augmentation, self._generator("view", *key))
            for p, key in zip(positions, keys, strict=True)
        ]
        noise = None
        if with_noise:
            drawn = [
                self._generator("noise", *key).integers(0, 256, view.shape, dtype=np.uint8)
                for view, key in zip(views, keys, strict=True)
            ]
            noise = to_tensor(np.stack(drawn), self._device) / 255
        label = torch.from_numpy(self._labels[positions]).to(self._device)
        return Batch(to_tensor(np.stack(views), self._device), label, noise)

    def _generator(self, purpose: str, *key: int | str) -> np.random.Generator:
        return keyed_generator(self._seed, purpose, *key)
