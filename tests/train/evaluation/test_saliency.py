"""What `evaluate` measures of saliency maps, on a run and on its bundle."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_runtime.errors import UsageError
from edge_runtime.metrics import Region, rank_correlation
from train.data import load_images
from train.evaluation import (
    Evaluation,
    SaliencyMeasures,
    SaliencyOptions,
    evaluate,
    open_target,
    write_evaluation,
)
from train.evaluation.saliency_picture import Example
from train.evaluation.selection import select_images
from train.evaluation.targets import BundleTarget, RunTarget
from train.run.progress import quiet_reporter

DATA = "synthetic:?count=60&size=32"
LEFT = Region("left", 0, 0, 0.25, 1)


def measure(path: Path, *, part: str = "train", source: str | None = None, **options) -> Evaluation:  # type: ignore[no-untyped-def]
    saliency = SaliencyOptions(**({"sample": 0} | options))
    with quiet_reporter() as reporter:
        return evaluate(open_target(path), reporter, source=source, part=part, saliency=saliency)


def maps_of_both(
    bundle: BundleTarget, run: RunTarget, method: str, images: int
) -> list[np.ndarray]:
    """The maps of a bundle and of its run of the same test images."""
    loaded = load_images(select_images(run, None, "test").samples[:images], run.preprocessing)
    labels = loaded.labels(run.classes)
    return [
        target.saliency(loaded.images, labels, method, lambda _: None) for target in (bundle, run)
    ]


@pytest.fixture(scope="module")
def sampled(tiny_run: Path) -> SaliencyMeasures:
    """The gradient of the run with everything that is taken on a sample; tests only read it."""
    return measure(tiny_run, sample=8).saliency


class TestMaps:
    def test_every_kind_of_a_run_has_its_rows(self, tiny_run: Path) -> None:
        methods = (
            "gradient",
            "gradient-early",
            "cam",
            "smoothgrad",
            "smoothgrad-early",
            "gradient-x-input",
            "occlusion",
        )
        found = measure(tiny_run, methods=methods)
        measured = [row for row in found.localization if "blind" not in row.map]
        names = [
            "gradient",
            "gradient at an early map",
            "class activation map",
            "SmoothGrad",
            "SmoothGrad at an early map",
            "gradient x input",
            "occlusion",
        ]
        assert [row.map for row in measured if row.lesions == "all"] == names
        assert len({row.energy.value for row in measured if row.energy}) == len(measured)

    def test_a_bundle_gives_those_that_are_in_its_graphs(self, tiny_edge: Path) -> None:
        found = measure(tiny_edge, source=DATA, part="test", methods=("cam", "gradient-early"))
        maps = [row.map for row in found.localization]
        assert maps[:2] == ["class activation map", "gradient at an early map"]
        with pytest.raises(UsageError, match="measure gradient-x-input on the run"):
            measure(tiny_edge, source=DATA, methods=("gradient-x-input",))

    def test_smooth_grad_of_a_bundle_is_that_of_its_run(
        self, tiny_run: Path, tiny_edge: Path
    ) -> None:
        run, bundle = RunTarget(tiny_run), BundleTarget(tiny_edge)
        for method, least in (("smoothgrad", 0.8), ("smoothgrad-early", 0.9)):
            ours, theirs = maps_of_both(bundle, run, method, images=4)
            agreements = [rank_correlation(a, b) for a, b in zip(ours, theirs, strict=True)]
            assert np.median(agreements) > least
            assert bundle.map_grid(method) == run.map_grid(method)

    def test_occlusion_of_a_bundle_is_that_of_its_run(
        self, tiny_run: Path, tiny_edge: Path
    ) -> None:
        bundle, run = BundleTarget(tiny_edge), RunTarget(tiny_run)
        ours, theirs = maps_of_both(bundle, run, "occlusion", images=3)
        # A logit may be a step off where a sum is at a tie.
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99

    def test_none_is_no_saliency(self, tiny_run: Path) -> None:
        found = measure(tiny_run, methods=()).saliency
        assert (found.localization, found.masked_class) == ((), None)

    def test_an_unknown_map_is_refused(self) -> None:
        with pytest.raises(UsageError, match="no saliency map 'magic'"):
            SaliencyOptions(methods=("magic",))


class TestLesions:
    def test_energy_stands_over_the_lesions_area(self, sampled: SaliencyMeasures) -> None:
        for row in sampled.localization:
            if row.energy is not None and row.energy_over_area is not None:
                assert row.energy_over_area.value == pytest.approx(row.energy.value / row.area)
            if row.map == "blind: even" and row.energy is not None:
                assert row.energy.value == pytest.approx(row.area)


class TestRegions:
    def test_each_class_is_measured_on_its_own_map(self, tiny_run: Path) -> None:
        found = measure(tiny_run, regions=(LEFT,))
        rows = {row.label: row for row in found.saliency.regions}
        assert set(rows) == {"all", *found.classes}
        assert rows["all"].area == 0.25
        assert sum(rows[label].count for label in found.classes) == rows["all"].count
        mean = sum(rows[label].share.value * rows[label].count for label in found.classes)
        assert mean / rows["all"].count == pytest.approx(rows["all"].share.value)

    def test_regions_that_fill_the_picture_share_the_map(self, tiny_run: Path) -> None:
        rest = Region("rest", 0.25, 0, 1, 1)
        found = measure(tiny_run, regions=(LEFT, rest), methods=("gradient", "cam"))
        for name in ("gradient", "class activation map"):
            shares = [
                row.share.value
                for row in found.saliency.regions
                if (row.map, row.label) == (name, "all")
            ]
            assert sum(shares) == pytest.approx(1)

    def test_a_region_without_a_pixel_is_refused(self, tiny_run: Path) -> None:
        with pytest.raises(UsageError, match="holds no pixel"):
            measure(tiny_run, regions=(Region("line", 0, 0, 1, 0.001),))


class TestAgreement:
    def test_a_quantised_run_is_compared_with_itself_in_float_and_with_chance(
        self, sampled: SaliencyMeasures
    ) -> None:
        own, chance = sampled.agreement
        assert (own.map, own.other, own.count) == ("gradient", "its own, float", 8)
        assert chance.other == "random weights: chance"
        assert chance.spearman.value < own.spearman.value < 1

    def test_a_run_against_itself_agrees_wholly(self, tiny_run: Path) -> None:
        itself = open_target(tiny_run)
        rows = measure(tiny_run, part="test", sample=4, against=itself).saliency.agreement
        itself = next(row for row in rows if "fake-quantised" in row.other)
        assert (itself.spearman.value, itself.top_overlap.value) == pytest.approx((1, 1))

    def test_a_bundle_is_compared_with_its_run_in_both_precisions(
        self, tiny_run: Path, tiny_edge: Path
    ) -> None:
        options = {"sample": 8, "methods": ("gradient", "cam")}
        found = measure(tiny_edge, source=DATA, against=open_target(tiny_run), **options).saliency
        by_name = {(row.map, row.other): row.spearman.value for row in found.agreement}
        assert len(by_name) == 6
        cam, chance = "class activation map", "random weights: chance"
        quantised, in_float = (
            f"tiny: best.safetensors, {precision}, torch"
            for precision in ("fake-quantised", "float")
        )
        assert by_name[cam, quantised] > 0.95
        assert by_name["gradient", quantised] >= by_name["gradient", in_float]
        assert by_name["gradient", in_float] > by_name["gradient", chance]
        # The device's graphs hold no weights that could be randomised.
        assert found.randomization == ()

    def test_targets_of_other_inputs_are_refused(self, tiny_run: Path, toy_bundle: Path) -> None:
        with pytest.raises(UsageError, match="classes differ"):
            measure(tiny_run, against=open_target(toy_bundle))

    def test_a_run_that_the_bundle_does_not_come_from_is_named_so(
        self, tiny_run: Path, tiny_edge: Path, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        shutil.copytree(tiny_run, other)
        shutil.copy(other / "float.safetensors", other / "best.safetensors")
        found = measure(tiny_edge, part="test", source=DATA, sample=2, against=open_target(other))
        (row,) = found.saliency.agreement
        assert row.other.startswith("other: best.safetensors, float, torch")
        assert row.other.endswith("(not what the bundle was exported from)")


class TestRandomWeights:
    def test_they_are_a_blind_row_of_every_map(self, tiny_run: Path) -> None:
        found = measure(tiny_run, methods=("gradient", "cam"))
        blind = [row for row in found.localization if "random weights" in row.map]
        assert len(blind) == 4
        assert all(row.pointing is not None and row.energy is not None for row in blind)

    def test_a_bundle_has_the_row_if_its_run_is_named(
        self, tiny_run: Path, tiny_edge: Path
    ) -> None:
        alone = measure(tiny_edge, source=DATA, part="test")
        assert not any("random weights" in row.map for row in alone.localization)
        with quiet_reporter() as reporter:
            named = evaluate(
                open_target(tiny_edge),
                reporter,
                split_from=tiny_run,
                saliency=SaliencyOptions(sample=0),
            )
        assert any("random weights" in row.map for row in named.localization)

    def test_maps_fade_as_more_layers_are_random(self, sampled: SaliencyMeasures) -> None:
        rows = sampled.randomization
        layers = [row.layers for row in rows]
        assert layers == sorted(set(layers))
        assert (layers[0], layers[-1]) == (1, rows[0].of_layers)
        assert rows[-1].spearman.value < 0.5
        assert not rows[-1].hardly_changed


class TestInsertionDeletion:
    def test_orders_start_and_end_at_the_same_pictures(self, sampled: SaliencyMeasures) -> None:
        rows = sampled.insertion_deletion
        assert [row.map for row in rows] == [
            "gradient",
            "gradient, 9 x 9 mean",
            "blind: Gaussian order",
            "blind: random order",
        ]
        for curve in ("insertion_curve", "deletion_curve"):
            ends = np.array([getattr(row, curve)[[0, -1]] for row in rows])
            np.testing.assert_allclose(ends, ends[[0] * 4])
        assert rows[0].insertion_curve[-1] == pytest.approx(rows[0].deletion_curve[0])

    def test_no_sample_leaves_out_what_is_slow(self, tiny_run: Path) -> None:
        found = measure(tiny_run, sample=0).saliency
        assert (found.insertion_deletion, found.agreement, found.randomization) == ((), (), ())


class TestPictures:
    def test_curves_are_drawn_and_images_only_if_asked_for(
        self, tiny_run: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "report"
        # The second one takes the place of the first, images and all.
        for examples in (2, 0):
            found = measure(tiny_run, part="test", sample=2, examples=examples)
            written = write_evaluation(found, out, force=True)
            assert set(written) == {path.name for path in out.iterdir()}
            assert "insertion_deletion.png" in written
            assert ("saliency.png" in written) == (examples > 0)
            for name in written:
                if name.endswith(".png"):
                    with Image.open(out / name) as picture:
                        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 4

    def test_examples_are_images_with_their_lesion(self, tiny_run: Path) -> None:
        (example, _) = measure(tiny_run, examples=2, methods=("gradient", "cam")).saliency.examples
        assert example.label == "polyp"
        assert example.lesion is not None
        assert example.lesion.shape == example.image.shape[:2] == example.maps["gradient"].shape
        assert list(example.maps) == ["gradient", "class activation map"]
        assert example.caption.startswith("is polyp, ")

    def test_examples_without_lesions_are_of_all_classes(
        self, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("train.evaluation.saliency.find_lesions", lambda *_: None)
        found = measure(tiny_run, part="test", sample=None, examples=3).saliency
        assert {example.label for example in found.examples} == {"inflamed", "normal", "polyp"}
        assert all(example.lesion is None for example in found.examples)

    @pytest.mark.parametrize(
        ("predicted", "told"),
        [("polyp", "is polyp, and called so (75%)"), ("normal", "is polyp, called normal (75%)")],
    )
    def test_a_caption_tells_the_own_class_and_the_predicted_one(
        self, predicted: str, told: str
    ) -> None:
        image = np.zeros((4, 4, 3), np.uint8)
        example = Example(image, "polyp", None, {}, predicted=predicted, probability=0.75)
        assert example.caption == told
