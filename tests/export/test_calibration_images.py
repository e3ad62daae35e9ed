from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edge_runtime.errors import DataError
from export.calibration_images import balanced_draw, load_training_images, within_memory
from train.data import Sample, open_dataset
from train.data.split import read_split

SAMPLES = tuple(
    Sample(key=f"{label}/{index}", label=label, group=f"{label}/{index}")
    for label, count in (("a", 40), ("b", 6), ("c", 20))
    for index in range(count)
)


def test_every_class_gives_as_many_images_until_it_runs_out():
    drawn = balanced_draw(SAMPLES, 30, seed=0)
    assert Counter(sample.label for sample in drawn) == {"a": 12, "b": 6, "c": 12}
    assert len(set(drawn)) == 30


def test_the_draw_is_fixed_by_its_seed_and_begins_as_a_smaller_one():
    assert balanced_draw(SAMPLES, 30, seed=0)[:9] == balanced_draw(SAMPLES, 9, seed=0)
    assert balanced_draw(SAMPLES, 9, seed=0) != balanced_draw(SAMPLES, 9, seed=1)
    assert balanced_draw(SAMPLES[::-1], 9, seed=0) == balanced_draw(SAMPLES, 9, seed=0)


def test_a_small_data_set_is_drawn_whole():
    assert set(balanced_draw(SAMPLES, 500, seed=0)) == set(SAMPLES)


def test_only_the_training_part_is_read(trained):
    loaded = load_training_images(trained, 500)
    dataset = open_dataset(trained.directory.read_config().data.source)
    part = read_split(trained.directory.split, dataset).part("train")
    assert {sample.key for sample in loaded.samples} == {sample.key for sample in part}
    assert loaded.images.shape[1:] == (48, 48, 3)


def test_images_of_another_data_set_are_refused(trained):
    with pytest.raises(DataError, match="restore the images that the run was trained on"):
        load_training_images(trained, 16, data="synthetic:?count=120&seed=5&size=48")


def test_a_few_images_are_not_enough(trained):
    with pytest.raises(DataError, match="too few"):
        load_training_images(trained, 5)


def test_a_large_network_is_derived_from_fewer_images(candidate):
    many = np.zeros((4096, 1, 1, 3), np.uint8)
    assert len(within_memory(candidate.plain, many[:64])) == 64
    assert 8 <= len(within_memory(candidate.plain, many)) < 4096
