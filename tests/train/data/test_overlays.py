from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.preprocessing import Preprocessing
from train.data import load_images, open_dataset
from train.data.overlays import OverlayRule, field_of_view, shared_overlays

SIDE = 64
BOX = np.zeros((SIDE, SIDE), dtype=bool)
BOX[44:60, 4:20] = True
LABELS = np.repeat(np.arange(3), 40)


def tissue(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Images ``[count, 64, 64, 3]`` of slowly varying colour, no two alike."""
    coarse = np.random.default_rng(seed).uniform(60, 230, (count, 4, 4, 3))
    return np.repeat(np.repeat(coarse, SIDE // 4, axis=1), SIDE // 4, axis=2).astype(np.uint8)


def with_box(images: NDArray[np.uint8], chosen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    marked = images.copy()
    marked[np.ix_(chosen, *np.where(BOX.any(axis=1)), *np.where(BOX.any(axis=0)))] = (0, 90, 0)
    return marked


def half(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.arange(len(labels)) % 2 == 0


class TestSharedOverlays:
    def test_a_box_in_all_images_of_one_class_is_that_classs_overlay(self) -> None:
        regions = shared_overlays(with_box(tissue(120), LABELS == 1), LABELS)
        np.testing.assert_array_equal(regions[1], BOX)
        assert not regions[[0, 2]].any()

    def test_a_box_that_half_of_another_class_has_too_still_tells_the_class(self) -> None:
        marked = (LABELS == 1) | ((LABELS == 0) & half(LABELS))
        regions = shared_overlays(with_box(tissue(120), marked), LABELS)
        np.testing.assert_array_equal(regions[1], BOX)
        assert not regions[0].any()

    def test_a_box_in_every_image_tells_nothing(self) -> None:
        assert not shared_overlays(with_box(tissue(120), LABELS >= 0), LABELS).any()

    def test_a_box_in_half_of_each_class_tells_nothing(self) -> None:
        assert not shared_overlays(with_box(tissue(120), half(LABELS)), LABELS).any()

    def test_many_frames_of_one_patient_are_no_overlay(self) -> None:
        images = tissue(120)
        images[LABELS == 1] = images[LABELS == 1][:1]
        groups = ["one patient" if label == 1 else str(i) for i, label in enumerate(LABELS)]
        assert shared_overlays(images, LABELS)[1].all()
        assert not shared_overlays(images, LABELS, groups=groups).any()

    def test_regions_have_the_size_of_the_images(self) -> None:
        images = with_box(tissue(120), LABELS == 1)[:, ::2, :50]
        assert shared_overlays(images, LABELS).shape == (3, 32, 50)

    def test_one_class_alone_has_none(self) -> None:
        assert not shared_overlays(tissue(10), np.zeros(10, dtype=np.int64)).any()

    def test_labels_that_tell_nothing_give_a_region_as_seldom_as_promised(self) -> None:
        # At a contrast of zero the permutations alone decide. 5 % of 60 sets are 3; the chance of
        # more than 9 is below one in a thousand.
        rule = OverlayRule(
            constant_share=0.3, contrast=0.0, significance=0.05, permutations=100, tolerance=40
        )
        coarse = tissue(48)[:, ::8, ::8]
        generator = np.random.default_rng(0)
        alarms = [
            shared_overlays(coarse, generator.permutation(LABELS[:48] % 2), rule=rule).any()
            for _ in range(60)
        ]
        assert sum(alarms) <= 9


class TestFieldOfView:
    def test_what_is_black_in_nearly_all_images_is_border(self) -> None:
        images = tissue(20)
        images[:, :, :10] = 0
        images[0, :, :10] = 200
        images[:15, :, 30:40] = 5
        seen = field_of_view(images)
        assert not seen[:, :10].any()
        assert seen[:, 10:].all()


def test_the_position_display_of_real_endoscopes_is_found(real_data: Path) -> None:
    dataset = open_dataset(real_data / "hyperkvasir5")
    chosen = [s for s in dataset.samples if s.label in ("polyp", "normal-cecum")][::4]
    loaded = load_images(chosen, Preprocessing(64, 64, "stretch"))
    labels = loaded.labels(("normal-cecum", "polyp"))
    regions = shared_overlays(loaded.images, labels, groups=[s.group for s in loaded.samples])
    rows, columns = np.mgrid[:64, :64] / 64
    # Below it the corner of the octagon is black in nearly all images and tells no class.
    display = (rows >= 0.69) & (rows < 0.82) & (columns < 0.28)
    assert regions[0][display].mean() > 0.95
    assert not regions[0][8:40, 16:48].any()
    assert not regions[1][display].any()
