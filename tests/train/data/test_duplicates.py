from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from train.data import Dataset, load_images, open_dataset
from train.data.duplicates import (
    HASH_BITS,
    THUMBNAIL,
    Fingerprints,
    fingerprints,
    group_of_each,
    near_duplicates,
    with_duplicate_groups,
)


def scenes(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Unlike pictures of soft colour, uint8 ``[count, 64, 64, 3]``."""
    coarse = np.random.default_rng(seed).uniform(40, 200, (count, 6, 6, 3)).astype(np.float32)
    return np.stack([cv2.resize(picture, (64, 64)) for picture in coarse]).astype(np.uint8)


def ungrouped(source: str) -> Dataset:
    dataset = open_dataset(source)
    samples = tuple(dataclasses.replace(s, group=s.key) for s in dataset.samples)
    return dataclasses.replace(dataset, samples=samples, has_groups=False)


def pairs_of(pictures: NDArray[np.uint8], threshold: int = 10) -> list[list[int]]:
    return near_duplicates(fingerprints(pictures), threshold).tolist()


class TestHash:
    def test_its_bits_compare_neighbouring_cells(self) -> None:
        brighter_to_the_right = np.repeat(
            np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 3, axis=2
        ) * np.ones((64, 1, 1), np.uint8)
        bits = fingerprints(brighter_to_the_right[None]).bits[0]
        assert (bits[:64] == 1).all()
        assert (bits[64:] == -1).all()

    def test_brightness_and_contrast_do_not_change_it(self) -> None:
        pictures = scenes(4)
        softer = (pictures * 0.7 + 20).astype(np.uint8)
        first, second = fingerprints(pictures).bits, fingerprints(softer).bits
        assert ((first != second).sum(axis=1) <= 4).all()


class TestPairs:
    def test_a_compressed_and_a_moved_copy_are_found_and_unlike_pictures_are_not(self) -> None:
        pictures = scenes(30)
        _, jpeg = cv2.imencode(".jpg", pictures[3], [cv2.IMWRITE_JPEG_QUALITY, 60])
        copies = [cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.roll(pictures[7], 1, axis=1)]
        assert pairs_of(np.concatenate([pictures, copies])) == [[3, 30], [7, 31]]

    def test_the_same_layout_in_other_shades_is_no_duplicate(self) -> None:
        ramp = np.linspace(0, 1, 64)[None, :, None] * np.ones((64, 64, 3))
        steeper = np.expm1(4 * ramp) / np.expm1(4)
        shades = (np.stack([ramp, steeper]) * 255).astype(np.uint8)
        first, second = fingerprints(shades).bits
        assert (first != second).sum() <= 10
        assert pairs_of(shades) == []

    def test_pictures_of_one_colour_are_duplicates_of_each_other_alone(self) -> None:
        flat = np.stack([np.full((64, 64, 3), value, np.uint8) for value in (0, 90)])
        assert pairs_of(np.concatenate([flat, scenes(3)])) == [[0, 1]]

    @given(st.integers(0, 2**32 - 1), st.integers(0, HASH_BITS), st.integers(1, 30))
    def test_no_pair_within_the_threshold_is_missed(
        self, seed: int, threshold: int, count: int
    ) -> None:
        random = np.random.default_rng(seed)
        base = random.integers(0, 2, HASH_BITS)
        flips = random.random((count, HASH_BITS)) < random.uniform(0, 0.5)
        bits = np.where((base ^ flips) > 0, 1, -1).astype(np.float32)
        layout = np.zeros((count, 257), np.float32)
        layout[:, -1] = 1
        expected = [
            [i, j]
            for i in range(count)
            for j in range(i + 1, count)
            if (bits[i] != bits[j]).sum() <= threshold
        ]
        assert near_duplicates(Fingerprints(bits, layout), threshold).tolist() == expected


class TestGroups:
    def test_pairs_with_a_common_picture_join(self) -> None:
        pairs = np.array([[4, 5], [0, 2], [2, 4]])
        assert group_of_each(pairs, 7).tolist() == [0, 1, 0, 3, 0, 0, 6]

    def test_the_listing_gets_groups_named_after_their_first_image(self) -> None:
        dataset = ungrouped("synthetic:?count=6")
        keys = [sample.key for sample in dataset.samples]
        grouped = with_duplicate_groups(dataset, keys, np.array([[1, 4]]))
        assert [sample.group for sample in grouped.samples] == [*keys[:4], keys[1], keys[5]]
        assert grouped.has_groups

    def test_pictures_that_were_not_hashed_keep_their_group(self) -> None:
        dataset = ungrouped("synthetic:?count=6")
        keys = [sample.key for sample in dataset.samples]
        grouped = with_duplicate_groups(dataset, keys[2:], np.array([[0, 3]]))
        assert [sample.group for sample in grouped.samples] == [*keys[:5], keys[2]]

    def test_groups_of_the_source_are_joined_whole(self) -> None:
        dataset = open_dataset("synthetic:?count=9")
        first, second, third = dict.fromkeys(sample.group for sample in dataset.samples)
        keys = [sample.key for sample in dataset.samples]
        grouped = with_duplicate_groups(dataset, keys, np.array([[4, 8]]))
        assert [s.group for s in grouped.samples] == [first] * 3 + [second] * 6
        assert third not in {sample.group for sample in grouped.samples}


def test_neighbouring_frames_of_real_endoscopy_are_found(real_data: Path) -> None:
    samples = [s for s in open_dataset(real_data / "hyperkvasir5").samples if s.label == "bbps-2-3"]
    loaded = load_images(samples, THUMBNAIL)
    pairs = near_duplicates(fingerprints(loaded.images))
    groups = np.array([sample.group for sample in samples])
    # The set's own groups, of a coarser hash, hold more; but most pairs are in both.
    together = groups[pairs[:, 0]] == groups[pairs[:, 1]]
    assert len(pairs) > 50
    assert together.mean() > 0.7
