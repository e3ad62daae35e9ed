from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.errors import ArtifactError, DataError
from train.data.sources import Dataset, Sample
from train.data.split import PARTS, read_split, split_dataset


def listing(labels_groups: list[tuple[str, str]], parts: list[str] | None = None) -> Dataset:
    samples = tuple(
        Sample(f"{i:04d}.jpg", label, group, part=parts[i] if parts else "")
        for i, (label, group) in enumerate(labels_groups)
    )
    classes = tuple(sorted({sample.label for sample in samples}))
    return Dataset("made up", samples, classes, has_groups=True)


@st.composite
def listings(draw: st.DrawFn) -> Dataset:
    classes = draw(st.integers(2, 4))
    groups = draw(st.integers(3, 40))
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, classes - 1), st.integers(0, groups - 1)),
            min_size=6,
            max_size=150,
        )
    )
    return listing([(f"c{label}", f"g{group}") for label, group in pairs])


@settings(max_examples=60)
@given(listings(), st.integers(0, 5))
def test_no_group_straddles_and_every_class_is_in_every_part(dataset: Dataset, seed: int) -> None:
    try:
        split = split_dataset(dataset, seed)
    except DataError as error:
        assert "cannot be split" in str(error)
        return
    parts_of: dict[str, set[str]] = {}
    for sample, part in zip(split.samples, split.parts, strict=True):
        parts_of.setdefault(sample.group, set()).add(part)
    assert all(len(parts) == 1 for parts in parts_of.values())
    present = {(s.label, part) for s, part in zip(split.samples, split.parts, strict=True)}
    assert present == {(label, part) for label in dataset.classes for part in PARTS}
    assert split.csv_text == split_dataset(dataset, seed).csv_text


@settings(max_examples=40)
@given(st.lists(st.integers(3, 60), min_size=2, max_size=5), st.integers(0, 3))
def test_single_images_are_shared_out_to_within_one_image(counts: list[int], seed: int) -> None:
    pairs = [(f"c{c}", f"g{c}-{i}") for c, count in enumerate(counts) for i in range(count)]
    split = split_dataset(listing(pairs), seed)
    held = Counter((s.label, part) for s, part in zip(split.samples, split.parts, strict=True))
    for label, count in enumerate(counts):
        for part, share in zip(PARTS, (0.8, 0.1, 0.1), strict=True):
            # One image at least, however rare the class is.
            wanted = max(1.0, share * count) if part != "train" else share * count
            assert abs(held[f"c{label}", part] - wanted) <= 2


def test_another_seed_gives_another_split() -> None:
    dataset = listing([(f"c{i % 2}", f"g{i}") for i in range(60)])
    assert split_dataset(dataset, 0).sha256 != split_dataset(dataset, 1).sha256


def test_the_split_of_a_listing_and_seed_never_changes() -> None:
    """Bundles carry this hash; another algorithm would orphan them."""
    dataset = listing([(f"c{i % 3}", f"g{i // 2}") for i in range(60)])
    frozen = "03bf343f9386a8aeb12365bd71e6cd8442730ca17f3760df469fc666a128fa31"
    assert split_dataset(dataset, 7).sha256 == frozen


def test_a_class_in_two_groups_cannot_be_split() -> None:
    pairs = [("common", f"g{i}") for i in range(20)]
    with pytest.raises(DataError, match=r"'rare' .*\(2 groups hold it\)"):
        split_dataset(listing([*pairs, ("rare", "x"), ("rare", "x"), ("rare", "y")]), 0)


class TestOwnSplit:
    PAIRS = (("a", "1"), ("b", "1"), ("a", "2"), ("b", "2"), ("a", "3"), ("b", "3"))

    def test_it_wins(self) -> None:
        parts = ["test", "test", "train", "train", "val", "val"]
        assert list(split_dataset(listing(list(self.PAIRS), parts), 0).parts) == parts

    def test_it_may_not_tear_a_group(self) -> None:
        parts = ["test", "train", "train", "train", "val", "val"]
        with pytest.raises(DataError, match="group '1' into both"):
            split_dataset(listing(list(self.PAIRS), parts), 0)

    def test_it_may_not_leave_a_class_out(self) -> None:
        parts = ["train", "train", "train", "train", "val", "val"]
        with pytest.raises(DataError, match="'a' in test"):
            split_dataset(listing(list(self.PAIRS), parts), 0)


class TestReading:
    def dataset(self) -> Dataset:
        return listing([(f"c{i % 2}", f"g{i}") for i in range(40)])

    def test_it_comes_back_as_it_was_written(self, tmp_path: Path) -> None:
        split = split_dataset(self.dataset(), 3)
        (tmp_path / "split.csv").write_text(split.csv_text, encoding="utf-8")
        again = read_split(tmp_path / "split.csv", self.dataset())
        assert again.csv_text == split.csv_text
        assert again.part("test") == split.part("test")

    def test_images_that_are_gone_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "split.csv").write_text(split_dataset(self.dataset(), 3).csv_text)
        fewer = listing([(f"c{i % 2}", f"g{i}") for i in range(30)])
        with pytest.raises(DataError, match=r"0030\.jpg"):
            read_split(tmp_path / "split.csv", fewer)

    def test_a_damaged_file_is_an_artifact_error(self, tmp_path: Path) -> None:
        (tmp_path / "split.csv").write_text("file,label\nx,y\n")
        with pytest.raises(ArtifactError, match=r"split\.csv"):
            read_split(tmp_path / "split.csv", self.dataset())
