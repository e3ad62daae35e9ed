"""The order in which an epoch visits the training images, and draws of a few of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from train.data.augment import keyed_generator
from train.data.sample import Sample

__all__ = ["balanced_draw", "balanced_weights", "epoch_batches"]


def balanced_draw(samples: Sequence[Sample], count: int, seed: int) -> tuple[int, ...]:
    """Positions drawn without replacement, a class after the other; an empty one is passed over.

    The order within a class is that of a hash of seed and name: the same on every machine, and
    independent of the other images.
    """
    by_class: dict[str, list[int]] = {}
    for position, sample in enumerate(samples):
        by_class.setdefault(sample.label, []).append(position)
    for members in by_class.values():
        members.sort(key=lambda at: hashlib.sha256(f"{seed}:{samples[at].key}".encode()).digest())
    drawn: list[int] = []
    turn = 0
    while len(drawn) < min(count, len(samples)):
        drawn.extend(
            by_class[label][turn] for label in sorted(by_class) if turn < len(by_class[label])
        )
        turn += 1
    return tuple(drawn[:count])


def balanced_weights(labels: NDArray[np.int64], classes: int, power: float) -> NDArray[np.float64]:
    """How much an image of each class counts, ``[classes]``: proportional to n^-power.

    The mean over all images is one, so that the loss keeps its scale.
    """
    counts = np.bincount(labels, minlength=classes).astype(np.float64)
    weights = np.where(counts > 0, np.maximum(counts, 1) ** -power, 0.0)
    return np.asarray(weights * (counts.sum() / (weights * counts).sum()))


def epoch_batches(
    labels: NDArray[np.int64], classes: int, *, batch_size: int, power: float, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """The images of each batch, int64 ``[n, 2]``: position and turn, a function of the arguments.

    An epoch has as many images as the training part. A class of n images gets a share
    proportional to n^(1 - power), and its images take turns: none comes a second time before all
    have come once. The turn tells how often an image has come before in this epoch. Batches differ
    by one image at most, since batch norm needs no small last one.
    """
    generator = keyed_generator(seed, "order", epoch)
    quotas = _quotas(labels, classes, power)
    drawn = []
    for label in range(classes):
        members = np.flatnonzero(labels == label)
        rounds = -(-quotas[label] // max(1, len(members)))
        turns = [
            np.column_stack([generator.permutation(members), np.full(len(members), turn)])
            for turn in range(rounds)
        ]
        drawn.append(np.concatenate([np.empty((0, 2), np.int64), *turns])[: quotas[label]])
    order = generator.permutation(np.concatenate(drawn), axis=0)
    return np.array_split(order, max(1, -(-len(order) // batch_size)))


def _quotas(labels: NDArray[np.int64], classes: int, power: float) -> list[int]:
    """Images of each class in an epoch; whole numbers by the largest remainder."""
    counts = np.bincount(labels, minlength=classes)
    exact = counts * balanced_weights(labels, classes, power)
    quotas = np.floor(exact + 1e-9).astype(np.int64)
    missing = int(counts.sum() - quotas.sum())
    for label in np.argsort(-(exact - quotas), kind="stable")[:missing]:
        quotas[label] += 1
    return [int(quota) for quota in quotas]
