from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.errors import DataError
from export.calibration_images import (
    check_calibration_images,
    load_training_images,
    within_memory,
)
from export.operations import Conv
from train.data import open_dataset
from train.data.split import read_split


def test_only_the_training_part_is_read(trained):
    loaded = load_training_images(trained, 500)
    dataset = open_dataset(trained.directory.read_config().data.source)
    part = read_split(trained.directory.split, dataset).part("train")
    assert {sample.key for sample in loaded.samples} == {sample.key for sample in part}
    assert loaded.images.shape[1:] == (48, 48, 3)


def test_progress_is_told_of_the_images_that_there_are(trained):
    told = []
    loaded = load_training_images(trained, 500, started=told.append, advance=told.append)
    count = len(loaded.samples)
    assert (told[0], told[-1]) == (count, count)
    assert count < 500


def test_images_of_another_data_set_are_refused(trained):
    with pytest.raises(DataError, match="restore the images that the run was trained on"):
        load_training_images(trained, 16, data="synthetic:?count=120&seed=5&size=48")


IMAGES = np.zeros((16, 48, 48, 3), np.uint8)
CLASSES = ("a", "b")
LABELS = ["a", "b"] * 8


def test_enough_images_of_all_classes_are_accepted():
    check_calibration_images(IMAGES, LABELS, CLASSES, (48, 48))


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (IMAGES[:5], LABELS[:5], "5 images are too few"),
        (IMAGES[:, :32], LABELS, "32 x 48 pixels, but the network takes 48 x 48"),
        (IMAGES, ["a"] * 16, "of the class 'b'"),
        (IMAGES, [*LABELS[:15], "cat"], "class 'cat', which the network does not know"),
    ],
    ids=["few", "size", "class missing", "class unknown"],
)
def test_images_that_cannot_tell_enough_are_refused(images, labels, sentence):
    with pytest.raises(DataError, match=sentence):
        check_calibration_images(images, labels, CLASSES, (48, 48))


def test_a_large_network_is_derived_from_fewer_images(candidate):
    many = np.zeros((4096, 1, 1, 3), np.uint8)
    assert len(within_memory(candidate.plain, many[:64])) == 64
    assert 8 <= len(within_memory(candidate.plain, many)) < 4096


def test_a_wide_first_layer_counts_by_its_gradient(candidate):
    stem = next(op for op in candidate.plain.operations if isinstance(op, Conv))
    wide = replace(stem, weight=np.zeros((4096, *stem.weight.shape[1:]), np.int8))
    others = [op for op in candidate.plain.operations if op is not stem]
    program = replace(candidate.plain, operations=(wide, *others))
    many = np.zeros((4096, 1, 1, 3), np.uint8)
    assert len(within_memory(program, many)) < len(within_memory(candidate.plain, many))
