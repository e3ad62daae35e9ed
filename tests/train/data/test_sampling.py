from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.data.sampling import balanced_weights, epoch_batches

LABELS = np.repeat([0, 1], [90, 10])


def plan(power: float, epoch: int = 0, labels: np.ndarray = LABELS) -> np.ndarray:
    batches = epoch_batches(labels, 2, batch_size=16, power=power, seed=0, epoch=epoch)
    return np.concatenate(batches)


def test_without_balance_every_image_comes_once() -> None:
    assert sorted(plan(0.0)[:, 0]) == list(range(100))
    assert not plan(0.0)[:, 1].any()


@pytest.mark.parametrize(("power", "rare"), [(0.5, 25), (1.0, 50)])
def test_a_rare_class_gets_its_share(power: float, rare: int) -> None:
    """Roots of 90 and 10 are as 3 to 1; equal shares are half each."""
    drawn = plan(power)
    assert len(drawn) == 100
    assert (LABELS[drawn[:, 0]] == 1).sum() == rare


def test_images_take_turns() -> None:
    drawn = plan(1.0)
    counts = np.bincount(drawn[:, 0], minlength=100)
    assert set(counts[90:]) == {5}
    assert counts[:90].max() == 1
    assert len(np.unique(drawn, axis=0)) == 100


def test_epochs_differ_and_repeat_to_the_bit() -> None:
    np.testing.assert_array_equal(plan(0.5, epoch=3), plan(0.5, epoch=3))
    assert (plan(0.5, epoch=3) != plan(0.5, epoch=4)).any()


@given(st.integers(2, 200), st.integers(2, 64))
def test_no_batch_is_smaller_than_another_by_more_than_one(images: int, batch_size: int) -> None:
    labels = np.arange(images) % 2
    sizes = [
        len(batch)
        for batch in epoch_batches(labels, 2, batch_size=batch_size, power=0.5, seed=1, epoch=0)
    ]
    assert sum(sizes) == images
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1


def test_weights_keep_the_scale_of_the_loss() -> None:
    weights = balanced_weights(LABELS, 2, 1.0)
    assert weights[1] / weights[0] == pytest.approx(9)
    assert weights[LABELS].mean() == pytest.approx(1)
