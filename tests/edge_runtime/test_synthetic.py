"""Synthetic endoscopy pictures: same bytes from same seed, exact truth, no cheap colour cue."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edge_runtime.errors import OutputError
from edge_runtime.synthetic import CLASSES, SyntheticScene, generate, write_dataset
from edge_runtime.synthetic.camera import shortcut_region

# The bytes are promised to be the same on every machine and version (see `noise`); whoever changes
# the drawing on purpose changes these too, and says so in the changelog.
PINNED = {
    "normal": "4fe9ea83ba0ef974f9bc4c4cc966251ef843b3152c30f587f5e29795222058fd",
    "polyp": "f08718a4d7d889c37c636d13b315f63efe8af73dea8e1987fa01433ebbe43cdb",
    "inflamed": "0b7c7436965727df1d3ec38735813e54c841a114d80ce42b4a45433559d00ad1",
}


@pytest.mark.parametrize("label", CLASSES)
def test_pictures_are_the_same_bytes_everywhere(label: str) -> None:
    digest = hashlib.sha256()
    for seed in range(5):
        sample = generate(label, seed, size=96, shortcut=seed == 4)
        digest.update(sample.image.tobytes() + np.packbits(sample.mask).tobytes())
    assert digest.hexdigest() == PINNED[label]


@settings(max_examples=25)
@given(
    label=st.sampled_from(CLASSES),
    seed=st.integers(0, 2**64 - 1),
    size=st.integers(32, 160),
    shortcut=st.booleans(),
)
def test_every_seed_and_size_gives_a_picture(
    label: str, seed: int, size: int, shortcut: bool
) -> None:
    sample = generate(label, seed, size, shortcut)
    assert sample.image.shape == (size, size, 3)
    assert sample.image.dtype == np.uint8
    assert sample.image.flags.c_contiguous
    assert sample.mask.shape == (size, size)
    assert sample.mask.any() == (label == "polyp")
    assert sample.label == label


def test_labels_of_one_seed_differ_only_in_the_finding() -> None:
    changed_outside = []
    for seed in range(20):
        normal, polyp = (generate(label, seed) for label in ("normal", "polyp"))
        rows, columns = np.nonzero(polyp.mask)
        margin = 26  # contact shadow around the foot
        near = np.zeros_like(polyp.mask)
        near[
            max(rows.min() - margin, 0) : rows.max() + margin,
            max(columns.min() - margin, 0) : columns.max() + margin,
        ] = True
        difference = np.abs(normal.image.astype(int) - polyp.image).max(axis=2)
        assert difference[polyp.mask].mean() > 3
        changed_outside.append(difference[~near].max(initial=0))
    assert max(changed_outside) <= 1


def test_the_shortcut_changes_only_its_corner_of_a_picture_without_lesion() -> None:
    for seed in range(10):
        plain, planted = (generate("normal", seed, shortcut=flag) for flag in (False, True))
        rows, columns = shortcut_region(128)
        box = planted.image[rows, columns].astype(int)
        assert (box[..., 1] - box[..., 0] > 100).sum() > 20, "no green marker"
        assert np.median(box) < 20, "the box is not dark"
        different = (plain.image != planted.image).any(axis=2)
        different[rows, columns] = False
        assert not different.any()


def test_the_shortcut_never_covers_the_lesion_mask() -> None:
    for seed in range(40):
        sample = generate("polyp", seed, shortcut=True)
        assert sample.mask.any()
        assert not sample.mask[shortcut_region(128)].any()


def test_lesions_lie_anywhere_and_no_fixed_pixel_finds_them() -> None:
    masks = np.stack([generate("polyp", seed, 64).mask for seed in range(300)])
    areas = masks.mean(axis=(1, 2))
    assert areas.min() > 0.008
    assert areas.max() < 0.25
    assert masks[:, 32, 32].mean() < 0.2
    assert masks.mean(axis=0).max() < 0.3
    for rows in (slice(0, 32), slice(32, 64)):
        for columns in (slice(0, 32), slice(32, 64)):
            assert masks[:, rows, columns].any(axis=(1, 2)).mean() > 0.25


def test_colours_of_the_whole_picture_do_not_tell_a_polyp() -> None:
    def colours(label: str, seed: int) -> np.ndarray:
        image = generate(label, seed, 64).image
        lit = image[image.max(axis=2) > 25]
        return np.concatenate(
            [lit.mean(0), lit.std(0), np.percentile(lit, [10, 50, 90], 0).ravel()]
        )

    count = 250
    features = [colours("normal", seed) for seed in range(count)]
    features += [colours("polyp", 10_000 + seed) for seed in range(count)]
    labels = np.repeat([0, 1], count)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    assert cross_val_score(model, np.array(features), labels, cv=5).mean() < 0.70


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ulcer", 0, 128), "label must be one of normal, polyp, inflamed"),
        (("polyp", 0, 31), "size must be at least 32"),
        (("polyp", -1, 128), "seed must be between"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: tuple[str, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generate(*arguments)


def test_dataset_on_disk_holds_exactly_what_the_generator_draws(tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", count=7, seed=40, size=48, shortcut_class="inflamed")
    with (tmp_path / "set" / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["label"] for row in rows] == [CLASSES[i % 3] for i in range(7)]
    assert len({row["group"] for row in rows}) == 7
    for index, row in enumerate(rows):
        sample = generate(row["label"], 40 + index, 48, shortcut=row["label"] == "inflamed")
        with Image.open(tmp_path / "set" / row["file"]) as image:
            assert np.array_equal(np.asarray(image), sample.image)
        assert bool(row["mask"]) == (row["label"] == "polyp")
        if row["mask"]:
            with Image.open(tmp_path / "set" / row["mask"]) as mask:
                assert mask.mode == "1"
                assert np.array_equal(np.asarray(mask), sample.mask)


def test_dataset_does_not_overwrite_without_force(tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", count=3, seed=0, size=32)
    before = (tmp_path / "set" / "labels.csv").read_text()
    with pytest.raises(OutputError):
        write_dataset(tmp_path / "set", count=4, seed=0, size=32)
    assert (tmp_path / "set" / "labels.csv").read_text() == before
    write_dataset(tmp_path / "set", count=4, seed=0, size=32, force=True)
    assert (tmp_path / "set" / "labels.csv").read_text() != before


def test_dataset_takes_no_place_of_real_images_even_with_force(tmp_path: Path) -> None:
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    (tmp_path / "labels.csv").write_text("file,label,group\nimages/a.png,polyp,patient-1\n")
    with pytest.raises(OutputError, match="not replaced"):
        write_dataset(tmp_path, count=1, seed=0, size=32, force=True)
    assert (tmp_path / "images").is_dir()


def test_scene_frames_are_repeatable_and_move() -> None:
    first, second = SyntheticScene(5, 160, 120), SyntheticScene(5, 160, 120)
    assert first.frame(0).shape == (120, 160, 3)
    assert first.frame(0).dtype == np.uint8
    assert np.array_equal(first.frame(123), second.frame(123))
    assert not np.array_equal(first.frame(0), first.frame(40))


def test_the_lesion_of_a_scene_comes_and_goes() -> None:
    for seed in range(6):
        scene = SyntheticScene(seed, 128, 128)
        seen = [scene.lesion_mask(index).mean() for index in range(0, 1500, 10)]
        assert max(seen) > 0.005
        assert min(seen) < 0.5 * max(seen)


@pytest.mark.parametrize(("width", "height"), [(32, 32), (640, 360), (360, 640), (1920, 1080)])
def test_scene_takes_any_camera_resolution(width: int, height: int) -> None:
    frame = SyntheticScene(0, width, height).frame(7)
    assert frame.shape == (height, width, 3)
    assert frame.mean() > 10
