"""Insertion and deletion on a classifier that can be worked out by hand: it sums what shines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_runtime.classifier import softmax
from tests.edge_runtime.tiny_graphs import SIZE, expected_logits
from train.evaluation.insertion_deletion import STEPS, InsertionDeletionRow, insertion_deletion
from train.evaluation.targets import open_target

SQUARES = [(1, 2), (9, 3), (6, 10), (0, 11)]
SIDE = 4


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """A bright red square on black, somewhere else in each image."""
    shown = np.zeros((len(SQUARES), SIZE, SIZE, 3), np.uint8)
    for image, (row, column) in zip(shown, SQUARES, strict=True):
        image[row : row + SIDE, column : column + SIDE, 0] = 255
    return shown


@pytest.fixture(scope="module")
def rows(toy_bundle: Path, images: np.ndarray) -> dict[str, InsertionDeletionRow]:
    target = open_target(toy_bundle)
    maps = {
        "right": images[..., 0].astype(np.float32),
        "wrong": 255 - images[..., 0].astype(np.float32),
    }
    labels, groups = np.zeros(len(images), np.int64), [str(i) for i in range(len(images))]
    found = insertion_deletion(target, images, labels, groups, maps, lambda _done: None)
    return {row.map: row for row in found}


def test_the_right_order_beats_chance_and_the_wrong_one_loses(
    rows: dict[str, InsertionDeletionRow],
) -> None:
    random = rows["blind: random order"]
    right, wrong = rows["right"], rows["wrong"]
    assert right.insertion.value > random.insertion.value > wrong.insertion.value
    assert right.deletion.value < random.deletion.value < wrong.deletion.value


def test_the_curves_are_the_probabilities_of_the_class(
    rows: dict[str, InsertionDeletionRow], images: np.ndarray, toy_bundle: Path
) -> None:
    temperature = open_target(toy_bundle).temperature
    whole = softmax(expected_logits(images), temperature)[:, 0].mean()
    curve = rows["right"].deletion_curve
    assert curve.shape == (STEPS + 1,)
    assert curve[0] == pytest.approx(whole, abs=0.01)
    # The square is a sixteenth of the picture: gone after the first step.
    assert curve[1] == pytest.approx(1 / 3, abs=0.01)
    assert rows["right"].insertion_curve[1] == pytest.approx(whole, abs=0.01)


def test_cells_are_enlarged_to_the_picture(toy_bundle: Path, images: np.ndarray) -> None:
    target = open_target(toy_bundle)
    labels, groups = np.zeros(len(images), np.int64), ["a", "b", "c", "d"]
    cells = target.saliency(images, labels, "cam", lambda _done: None)
    assert cells.shape[1:] == (4, 4)
    found = insertion_deletion(target, images, labels, groups, {"cam": cells}, lambda _done: None)
    assert found[0].insertion.value > found[-1].insertion.value
