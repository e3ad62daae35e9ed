from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_runtime.errors import DataError
from edge_runtime.preprocessing import Preprocessing
from tests.requirements import real_image_folder
from train.data.cache import content_sha256, load_images, read_frame
from train.data.sources import open_dataset
from train.data.split import split_dataset

PREPROCESSING = Preprocessing(height=16, width=16, fit="crop")


def arrays(count=6, shape=(12, 12), classes=2):
    """What a MedMNIST file holds: each image is filled with its position."""
    held = {}
    for part in ("train", "val", "test"):
        images = np.arange(count, dtype=np.uint8).reshape(-1, *[1] * len(shape))
        held[f"{part}_images"] = np.broadcast_to(images, (count, *shape)).copy()
        held[f"{part}_labels"] = (np.arange(count) % classes).astype(np.uint8)[:, None]
    return held


def write(path: Path, held) -> Path:
    np.savez_compressed(path, **held)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "set.npz", arrays())


def test_the_files_own_parts_are_kept(file):
    dataset = open_dataset(file)
    assert dataset.classes == ("0", "1")
    assert dataset.counts() == {"0": 9, "1": 9}
    split = split_dataset(dataset, seed=3)
    assert [sample.key for sample in split.part("val")][:2] == ["val/000000", "val/000001"]


def test_grey_images_become_three_equal_channels(file):
    frame = read_frame(open_dataset(file).samples[5])
    assert frame.shape == (12, 12, 3)
    assert (frame == 5).all()


def test_colour_images_are_taken_as_they_are(tmp_path):
    held = arrays(shape=(12, 12, 3))
    held["val_images"][2] = np.arange(3, dtype=np.uint8)
    path = write(tmp_path / "colour.npz", held)
    frame = read_frame(next(s for s in open_dataset(path).samples if s.key == "val/000002"))
    assert frame[4, 7].tolist() == [0, 1, 2]


def test_many_classes_sort_by_number(tmp_path):
    path = write(tmp_path / "eleven.npz", arrays(count=22, classes=11))
    assert open_dataset(path).classes == tuple(f"{number:02d}" for number in range(11))


def test_images_are_loaded_and_told_apart_by_their_pixels(file):
    samples = open_dataset(file).samples
    loaded = load_images(samples, PREPROCESSING)
    assert loaded.images[:6, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    # The parts hold the same pictures.
    assert content_sha256(samples[0]) == content_sha256(samples[6])
    assert content_sha256(samples[0]) != content_sha256(samples[1])


def _without(name):
    return lambda held: held.pop(name)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_without("test_images"), "no array test_images"),
        (lambda held: held.update(train_labels=np.zeros((6, 14), np.uint8)), "one class for each"),
        (lambda held: held.update(train_labels=np.full((6, 1), 0.5)), "as integers"),
        (lambda held: held.update(train_labels=np.full((6, 1), -1)), "negative"),
        (lambda held: held.update(val_labels=np.zeros((5, 1), np.uint8)), "6 images but 5 labels"),
        (lambda held: held.update(train_images=np.zeros((6, 12, 12, 12), np.uint8)), "no volumes"),
        (lambda held: held.update(test_images=np.zeros((6, 12, 12))), "float64"),
    ],
)
def test_another_layout_is_one_sentence_with_the_file(tmp_path, damage, sentence):
    held = arrays()
    damage(held)
    path = write(tmp_path / "odd.npz", held)
    with pytest.raises(DataError, match=sentence) as caught:
        open_dataset(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04" + b"\0" * 40])
def test_a_damaged_file_is_one_sentence(tmp_path, content):
    path = tmp_path / "damaged.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged\.npz is damaged"):
        open_dataset(path)


def test_objects_are_never_unpickled(tmp_path):
    held = arrays()
    held["train_labels"] = np.array([{"class": 0}] * 6, dtype=object)
    path = tmp_path / "pickled.npz"
    np.savez(path, **held)
    with pytest.raises(DataError, match="is damaged or no"):
        open_dataset(path)


def test_a_file_that_shrank_is_named(file):
    last = open_dataset(file).samples[-1]
    write(file, arrays(count=3))
    with pytest.raises(DataError, match="has changed since"):
        read_frame(last)


def test_real_medmnist_files_are_read():
    dataset = open_dataset(real_image_folder() / "breastmnist.npz")
    assert dataset.counts() == {"0": 210, "1": 570}
