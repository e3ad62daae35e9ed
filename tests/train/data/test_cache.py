from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_runtime.errors import DataError
from edge_runtime.preprocessing import Preprocessing
from train.data.cache import load_images
from train.data.masks import load_mask
from train.data.sources import Sample, open_dataset

PREPROCESSING = Preprocessing(height=32, width=32, fit="crop")


@pytest.fixture
def samples(tmp_path: Path) -> tuple[Sample, ...]:
    random = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "set" / label).mkdir(parents=True)
        for index in range(3):
            image = random.integers(0, 256, (50, 60, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / "set" / label / f"{index}.png"), image)
    return open_dataset(tmp_path / "set").samples


def damage(sample: Sample) -> None:
    assert sample.path is not None
    sample.path.write_bytes(sample.path.read_bytes()[:200])


def test_images_are_network_bytes_in_listing_order(samples: tuple[Sample, ...]) -> None:
    loaded = load_images(samples, PREPROCESSING)
    assert loaded.images.shape == (6, 32, 32, 3)
    assert loaded.images.dtype == np.uint8
    frame = cv2.cvtColor(cv2.imread(str(samples[4].path)), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(loaded.images[4], PREPROCESSING.apply(frame))
    assert loaded.labels(("a", "b")).tolist() == [0, 0, 0, 1, 1, 1]


def test_an_unreadable_image_is_named_with_the_option_that_skips_it(
    samples: tuple[Sample, ...],
) -> None:
    damage(samples[1])
    with pytest.raises(DataError, match=rf"{samples[1].path}.*, or leave .* out with --skip-bad\."):
        load_images(samples, PREPROCESSING)


def test_an_unreadable_image_is_skipped_and_listed_on_request(samples: tuple[Sample, ...]) -> None:
    damage(samples[1])
    loaded = load_images(samples, PREPROCESSING, skip_bad=True)
    assert loaded.samples == (samples[0], *samples[2:])
    assert len(loaded.skipped) == 1
    assert str(samples[1].path) in loaded.skipped[0]


def test_nothing_readable_is_an_error_even_then(samples: tuple[Sample, ...]) -> None:
    for sample in samples:
        damage(sample)
    with pytest.raises(DataError, match="none of the listed images"):
        load_images(samples, PREPROCESSING, skip_bad=True)


class TestDiskCache:
    def test_it_gives_the_same_bytes_without_decoding(
        self, samples: tuple[Sample, ...], tmp_path: Path
    ) -> None:
        counted: list[int] = []
        first = load_images(samples, PREPROCESSING, cache_dir=tmp_path / "cache")
        again = load_images(
            samples, PREPROCESSING, cache_dir=tmp_path / "cache", advance=counted.append
        )
        np.testing.assert_array_equal(first.images, again.images)
        assert counted == []

    def test_another_content_or_preprocessing_is_another_entry(
        self, samples: tuple[Sample, ...], tmp_path: Path
    ) -> None:
        load_images(samples, PREPROCESSING, cache_dir=tmp_path / "cache")
        assert samples[0].path is not None
        cv2.imwrite(str(samples[0].path), np.zeros((50, 60, 3), np.uint8))
        changed = load_images(samples, PREPROCESSING, cache_dir=tmp_path / "cache")
        assert not changed.images[0].any()
        load_images(samples, Preprocessing(height=16, width=16), cache_dir=tmp_path / "cache")
        assert len(list((tmp_path / "cache").iterdir())) == 3


class TestMasks:
    def test_a_synthetic_lesion_is_where_the_image_shows_it(self) -> None:
        samples = open_dataset("synthetic:?count=9&size=64").samples
        polyp = next(sample for sample in samples if sample.label == "polyp")
        mask = load_mask(polyp, PREPROCESSING)
        assert mask is not None
        assert mask.shape == (32, 32)
        assert 0 < mask.mean() < 0.9

    def test_images_without_a_lesion_have_none(self) -> None:
        samples = open_dataset("synthetic:?count=9&size=64").samples
        assert load_mask(samples[0], PREPROCESSING) is None

    def test_a_mask_of_another_size_is_refused(
        self, samples: tuple[Sample, ...], tmp_path: Path
    ) -> None:
        cv2.imwrite(str(tmp_path / "mask.png"), np.full((10, 10), 255, np.uint8))
        sample = Sample("x", "a", "x", path=samples[0].path, mask_path=tmp_path / "mask.png")
        with pytest.raises(DataError, match="same size"):
            load_mask(sample, PREPROCESSING, frame_size=(50, 60))
