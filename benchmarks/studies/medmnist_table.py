"""Rows of the MedMNIST study as a table, beside the published figures and a blind guess."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import DataError, GateError
from edge_runtime.metrics import auc_one_vs_rest

__all__ = ["PUBLISHED", "Row", "check_promise", "markdown"]

# AUC and accuracy of ResNet-18 (28) on the test parts: Yang et al., MedMNIST v2, table 3.
PUBLISHED = {"pneumoniamnist": (0.944, 0.854), "breastmnist": (0.901, 0.863)}
_LARGEST_LOSS = 0.02
_RESAMPLES = 1000
Figure = Callable[[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]], float]


@dataclass(frozen=True)
class Row:
    """One trained network on one part of a set.

    Attributes:
        data: name of the set.
        part: which of its parts.
        seed: of the run.
        bits: of weights and activations.
        seconds: that training took, 0 where it was finished before.
        labels: 0 or 1 for each image, in the file's order.
        scores: the probability of class 1.
    """

    data: str
    part: str
    seed: int
    bits: int
    seconds: float
    labels: tuple[int, ...]
    scores: tuple[float, ...]

    def text(self) -> str:
        """As JSON."""
        return json.dumps(dataclasses.asdict(self)) + "\n"

    @classmethod
    def read(cls, path: Path) -> Row:
        """Read what :meth:`text` gave.

        Raises:
            DataError: the file is damaged.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(**values | {key: tuple(values[key]) for key in ("labels", "scores")})
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path} is no row of this study ({error}); remove it.") from error


def auc(
    labels: NDArray[np.int64], scores: NDArray[np.float64], weights: NDArray[np.int64]
) -> float:
    """Area under the ROC curve of class 1."""
    return float(auc_one_vs_rest(labels, np.stack([1 - scores, scores], axis=1), weights)[1])


def accuracy(
    labels: NDArray[np.int64], scores: NDArray[np.float64], weights: NDArray[np.int64]
) -> float:
    """Share of images whose more probable class is the label."""
    return float(np.average((scores > 0.5) == (labels == 1), weights=weights))


def markdown(rows: Sequence[Row]) -> str:
    """The table: a line for each set and width, the published figures and the blind guess.

    A cell has the mean over seeds, their range, and the 95 % interval of the mean when the images
    are drawn again (percentile bootstrap, all seeds on the same draws).
    """
    lines = [
        "| data | network | seeds | AUC (range; 95 %) | accuracy (range; 95 %) |",
        "|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(row.data for row in rows):
        for bits in sorted({row.bits for row in rows if row.data == name}, reverse=True):
            chosen = [row for row in rows if (row.data, row.bits) == (name, bits)]
            cells = " | ".join(_cell(chosen, figure) for figure in (auc, accuracy))
            lines.append(f"| {name} | {bits} bit | {len(chosen)} | {cells} |")
        labels = np.array(next(row.labels for row in rows if row.data == name))
        majority = max(labels.mean(), 1 - labels.mean())
        published = PUBLISHED[name]
        lines.append(
            f"| {name} | published ResNet-18 (28) | | {published[0]:.3f} | {published[1]:.3f} |"
        )
        lines.append(f"| {name} | blind: one constant score | | 0.500 | {majority:.3f} |")
    return "\n".join(lines) + "\n"


def check_promise(rows: Sequence[Row]) -> None:
    """Hold the mean AUC at 8 bit against the published one.

    Raises:
        GateError: it falls short by more than 0.02 somewhere.
    """
    short = []
    for name in dict.fromkeys(row.data for row in rows):
        found = _mean([row for row in rows if (row.data, row.bits) == (name, 8)], auc)
        if found < PUBLISHED[name][0] - _LARGEST_LOSS:
            short.append(
                f"{name} has an AUC of {found:.3f} at 8 bit, published {PUBLISHED[name][0]}"
            )
    if short:
        raise GateError("; ".join(short) + ".")


def _cell(rows: Sequence[Row], figure: Figure) -> str:
    labels, scores = np.array(rows[0].labels), np.array([row.scores for row in rows])
    once = np.ones_like(labels)
    values = [figure(labels, of_one, once) for of_one in scores]
    generator = np.random.default_rng(0)
    count = len(labels)
    drawn = [
        np.mean([figure(labels, of_one, weights) for of_one in scores])
        for weights in generator.multinomial(count, np.full(count, 1 / count), _RESAMPLES)
    ]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return (
        f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f}; {low:.3f} to {high:.3f})"
    )


def _mean(rows: Sequence[Row], figure: Figure) -> float:
    labels = np.array(rows[0].labels)
    return float(
        np.mean([figure(labels, np.array(row.scores), np.ones_like(labels)) for row in rows])
    )
