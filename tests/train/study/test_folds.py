"""The folds of a cross-validation."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.errors import DataError, UsageError
from train.data import Dataset, Sample
from train.study.folds import Folds, make_folds

FOLDS = 3
CLASSES = ("a", "b", "c")


def listing(samples: list[Sample]) -> Dataset:
    return Dataset("made", tuple(samples), CLASSES, True)


def content(sample: Sample) -> str:
    """In these listings the key's first word stands for the bytes of the file."""
    return sample.key.partition(" ")[0]


@st.composite
def listings(draw: st.DrawFn) -> Dataset:
    """Images in groups of one to five, every class in at least six groups."""
    samples: list[Sample] = []
    group = 0
    for label in CLASSES:
        sizes = draw(st.lists(st.integers(1, 5), min_size=6, max_size=14))
        for size in sizes:
            group += 1
            samples += [
                Sample(f"image{len(samples) + i:03d}", label, f"group{group}") for i in range(size)
            ]
    return listing(samples)


def shuffled(dataset: Dataset, seed: int) -> Dataset:
    """The same images under other names, in other groups' names and another order."""
    samples = [
        Sample(f"{content(sample)} renamed-{seed}", sample.label, f"{sample.group}-{seed}")
        for sample in dataset.samples
    ]
    random.Random(seed).shuffle(samples)
    return listing(samples)


def fold_by_content(folds: Folds) -> dict[str, int]:
    return dict(zip(folds.contents, folds.fold_of, strict=True))


@settings(max_examples=25)
@given(listings())
def test_every_image_is_tested_once_and_no_group_straddles(dataset: Dataset) -> None:
    folds = make_folds(dataset, FOLDS, content)
    tested: Counter[str] = Counter()
    for number in range(FOLDS):
        split = folds.split(number)
        tested.update(sample.key for sample in split.part("test"))
        parts: dict[str, set[str]] = {}
        for sample, part in zip(split.samples, split.parts, strict=True):
            parts.setdefault(sample.group, set()).add(part)
        assert all(len(found) == 1 for found in parts.values())
    assert tested == Counter(sample.key for sample in dataset.samples)


@settings(max_examples=25)
@given(listings())
def test_every_class_is_in_every_part_of_every_fold(dataset: Dataset) -> None:
    folds = make_folds(dataset, FOLDS, content)
    for number in range(FOLDS):
        for part in ("train", "val", "test"):
            labels = {sample.label for sample in folds.split(number).part(part)}
            assert labels == set(CLASSES)


@settings(max_examples=25)
@given(listings(), st.integers(0, 1000))
def test_names_and_order_play_no_part(dataset: Dataset, seed: int) -> None:
    folds = make_folds(dataset, FOLDS, content)
    others = make_folds(shuffled(dataset, seed), FOLDS, content)
    assert fold_by_content(others) == fold_by_content(folds)
    assert others.sha256 == folds.sha256
    ranks = dict(zip(folds.contents, folds.rank_of, strict=True))
    assert dict(zip(others.contents, others.rank_of, strict=True)) == ranks
    for number in range(FOLDS):
        assert by_content(others, number) == by_content(folds, number)


def by_content(folds: Folds, number: int) -> dict[str, str]:
    return dict(zip(folds.contents, folds.split(number).parts, strict=True))


@settings(max_examples=25)
@given(listings())
def test_single_images_are_dealt_out_evenly(dataset: Dataset) -> None:
    single = listing([Sample(s.key, s.label, s.key) for s in dataset.samples])
    folds = make_folds(single, FOLDS, content)
    for label in CLASSES:
        counts = Counter(
            fold
            for fold, sample in zip(folds.fold_of, single.samples, strict=True)
            if sample.label == label
        )
        assert max(counts.values()) - min(counts.values()) <= 1


def test_another_label_changes_the_hash_of_the_folds() -> None:
    samples = [Sample(f"image{i}", CLASSES[i % 3], f"group{i}") for i in range(30)]
    first = make_folds(listing(samples), FOLDS, content)
    changed = [Sample("image0", "b", "group0"), *samples[1:]]
    assert make_folds(listing(changed), FOLDS, content).sha256 != first.sha256


def test_groups_that_share_an_image_stay_together() -> None:
    samples = [Sample(f"image{i}", CLASSES[i % 3], f"group{i}") for i in range(30)]
    samples.append(Sample("image0 copy", "a", "group3"))
    folds = make_folds(listing(samples), FOLDS, content)
    assert folds.fold_of[0] == folds.fold_of[30] == folds.fold_of[3]
    assert folds.unit_of[0] == folds.unit_of[3]


def test_a_class_in_too_few_groups_is_named() -> None:
    samples = [Sample(f"image{i}", "ab"[i % 2], f"group{i}") for i in range(20)]
    samples += [Sample(f"rare{i}", "c", f"rare{i % 2}") for i in range(9)]
    with pytest.raises(DataError, match="'c' of made is in 2 groups, too few for 3"):
        make_folds(listing(samples), FOLDS, content)


def test_one_fold_is_none() -> None:
    samples = [Sample(f"image{i}", CLASSES[i % 3], f"group{i}") for i in range(30)]
    with pytest.raises(UsageError, match="at least 2 folds"):
        make_folds(listing(samples), 1, content)
