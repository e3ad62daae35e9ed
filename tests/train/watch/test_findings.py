"""Each failure signature fires on figures that show it, and stays silent on figures that do not."""

from __future__ import annotations

import dataclasses

import pytest

from train.watch.findings import (
    Reference,
    chance,
    clip_findings,
    collapse,
    drift,
    findings_of_epoch,
    noise,
    overfitting,
    saliency_in_the_wrong_place,
)

REFERENCE = Reference(
    accuracy=0.95,
    images=200,
    classes=3,
    steadiness=0.6,
    outside_area=0.2,
    overlay_area=0.1,
    alphas={"stem": 6.0, "head": 10.0},
    guided=True,
)


def epochs(**columns: list[float]) -> list[dict[str, float]]:
    """A history with the named figures, one value for each epoch."""
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    return [{"epoch": 7.0 + i, **dict(zip(names, row, strict=True))} for i, row in enumerate(rows)]


class TestCollapse:
    def test_a_network_that_loses_its_accuracy_is_told(self) -> None:
        found = collapse(0.966, 0.616, 200)
        assert found is not None
        assert "from 96.6% to 61.6%" in found.sentence
        assert "--range-method" in found.sentence
        assert "--weight-quantizer" in found.sentence

    @pytest.mark.parametrize("accuracy", [0.99, 0.95, 0.92])
    def test_a_small_loss_is_none(self, accuracy: float) -> None:
        assert collapse(0.95, accuracy, 200) is None

    def test_two_of_twenty_images_may_be_chance(self) -> None:
        assert collapse(0.95, 0.85, 20) is None
        assert collapse(0.95, 0.85, 2000) is not None


class TestChance:
    @pytest.mark.parametrize("classes", [2, 3, 7])
    def test_a_constant_answer_is_told(self, classes: int) -> None:
        found = chance(sum([1.0] + [0.0] * (classes - 1)) / classes, classes)
        assert found is not None
        assert f"{classes} classes" in found.sentence

    def test_a_network_that_tells_one_image_apart_is_not(self) -> None:
        assert chance(0.34, 3) is None


class TestDrift:
    def test_answers_that_do_not_survive_the_mask_are_told(self) -> None:
        found = drift(epochs(masked_agreement=[0.5, 0.7], val_divergence=[0.9, 0.6]))
        assert found is not None
        assert "70%" in found.sentence
        assert "--lambda1" in found.sentence

    def test_the_first_epoch_is_allowed_to_learn(self) -> None:
        assert drift(epochs(masked_agreement=[0.3], val_divergence=[2.5])) is None

    def test_answers_between_which_the_network_is_undecided_may_differ(self) -> None:
        assert drift(epochs(masked_agreement=[0.5, 0.7], val_divergence=[0.01, 0.005])) is None

    def test_a_divergence_that_rises_is_told_while_answers_still_agree(self) -> None:
        found = drift(epochs(masked_agreement=[0.9] * 3, val_divergence=[0.1, 0.15, 0.3]))
        assert found is not None
        assert "rising" in found.sentence

    @pytest.mark.parametrize("divergences", [[0.3, 0.2, 0.1], [0.01, 0.02, 0.03], [0.3, 0.2, 0.31]])
    def test_a_divergence_that_falls_or_is_small_is_none(self, divergences: list[float]) -> None:
        assert drift(epochs(masked_agreement=[0.9] * 3, val_divergence=divergences)) is None


class TestNoise:
    def test_maps_that_are_noisier_than_before_are_told(self) -> None:
        found = noise(0.2, 0.6)
        assert found is not None
        assert "--lambda2" in found.sentence

    @pytest.mark.parametrize("steadiness", [None, 0.5, 0.6, 0.9, float("nan")])
    def test_maps_that_are_not_are_none(self, steadiness: float | None) -> None:
        assert noise(steadiness, 0.6) is None


class TestPlace:
    def test_saliency_in_the_black_surround_is_told(self) -> None:
        (found,) = saliency_in_the_wrong_place({"saliency_outside": 0.15}, REFERENCE)
        assert found.name == "outside"
        assert "--surround" in found.sentence

    def test_saliency_on_an_overlay_is_told(self) -> None:
        (found,) = saliency_in_the_wrong_place({"saliency_overlay": 0.08}, REFERENCE)
        assert found.name == "overlay"
        assert "--erase" in found.sentence

    def test_little_saliency_there_is_none(self) -> None:
        epoch = {"saliency_outside": 0.05, "saliency_overlay": 0.03}
        assert saliency_in_the_wrong_place(epoch, REFERENCE) == ()

    def test_without_such_regions_there_is_nothing_to_tell(self) -> None:
        assert saliency_in_the_wrong_place({}, REFERENCE) == ()
        none = dataclasses.replace(REFERENCE, outside_area=0.0)
        assert saliency_in_the_wrong_place({"saliency_outside": 0.0}, none) == ()

    def test_a_region_too_small_to_be_seen_is_none(self) -> None:
        small = dataclasses.replace(REFERENCE, outside_area=0.01)
        assert saliency_in_the_wrong_place({"saliency_outside": 0.02}, small) == ()

    def test_all_of_it_is_the_worst(self) -> None:
        assert saliency_in_the_wrong_place({"saliency_overlay": 1.0}, REFERENCE)


class TestClips:
    def test_a_site_that_clips_much_is_told_with_the_worst(self) -> None:
        found = clip_findings(
            {"stem": 6.0, "head": 9.0}, {"stem": 0.4, "head": 0.3}, REFERENCE.alphas
        )
        assert [finding.name for finding in found] == ["saturation"]
        assert "2 of 2 sites" in found[0].sentence
        assert "stem 40%" in found[0].sentence

    def test_a_clip_that_has_collapsed_is_told(self) -> None:
        (found,) = clip_findings(
            {"stem": 1e-4, "head": 9.0}, {"stem": 0.0, "head": 0.01}, REFERENCE.alphas
        )
        assert found.name == "dead clip"
        assert "stem" in found.sentence

    def test_clips_at_work_are_none(self) -> None:
        alphas = {"stem": 2.0, "head": 12.0}
        assert clip_findings(alphas, {"stem": 0.1, "head": 0.0}, REFERENCE.alphas) == ()

    def test_a_network_that_is_not_quantised_has_none(self) -> None:
        assert clip_findings({"stem": 0.0, "head": 0.0}, {}, REFERENCE.alphas) == ()


class TestOverfitting:
    TRAINING = (0.5, 0.3, 0.2, 0.15, 0.1)

    def test_a_validation_loss_that_rises_for_good_is_told(self) -> None:
        found = overfitting(
            epochs(val_loss=[0.3, 0.2, 0.25, 0.3, 0.4], cross_entropy=list(self.TRAINING)), 3
        )
        assert found is not None
        assert "from 0.200 in epoch 8 to 0.400" in found.sentence

    @pytest.mark.parametrize(
        "losses",
        [
            [0.5, 0.4, 0.3, 0.2, 0.1],
            [0.3, 0.2, 0.21, 0.22, 0.21],
            [0.3, 0.3, 0.2, 0.3, 0.4],
            [0.3, 0.2, 0.5, 0.21, 0.4],
        ],
    )
    def test_one_that_falls_wavers_leaps_or_has_just_risen_is_none(
        self, losses: list[float]
    ) -> None:
        history = epochs(val_loss=losses, cross_entropy=list(self.TRAINING))
        assert overfitting(history, 3) is None

    def test_a_network_that_does_not_know_its_training_images_yet_has_not_overfitted(self) -> None:
        """Of 160 images of five classes, where the validation loss leaps at first."""
        history = epochs(
            val_loss=[1.61, 1.492, 1.89, 1.9, 2.019],
            cross_entropy=[1.442, 1.222, 1.15, 1.127, 1.103],
        )
        assert overfitting(history, 5) is None

    def test_a_rise_that_nobody_would_notice_is_none(self) -> None:
        """Of the synthetic pictures, at 99 % right."""
        history = epochs(
            val_loss=[0.05, 0.034, 0.05, 0.055, 0.059], cross_entropy=[0.13, 0.12, 0.1, 0.09, 0.08]
        )
        assert overfitting(history, 3) is None

    def test_a_training_loss_that_rises_too_is_another_trouble(self) -> None:
        history = epochs(
            val_loss=[0.3, 0.2, 0.25, 0.3, 0.4], cross_entropy=[0.1, 0.2, 0.25, 0.3, 0.5]
        )
        assert overfitting(history, 3) is None


CALM = {
    "epoch": 6.0,
    "val_accuracy": 0.95,
    "val_macro_sensitivity": 0.95,
    "val_loss": 0.2,
    "masked_agreement": 0.95,
    "val_divergence": 0.02,
    "saliency_steadiness": 0.6,
    "saliency_outside": 0.02,
    "saliency_overlay": 0.01,
}
ALPHAS = {"stem": 6.0, "head": 10.0}
CLIPPED = {"stem": 0.0, "head": 0.01}


class TestEpoch:
    def test_a_calm_run_has_no_findings(self) -> None:
        trained = [{**CALM, "epoch": 7.0 + i, "cross_entropy": 0.1} for i in range(4)]
        for count in range(5):
            history = [CALM, *trained[:count]]
            assert findings_of_epoch(history, REFERENCE, ALPHAS, CLIPPED) == ()

    def test_accuracy_is_compared_only_when_quantisation_starts(self) -> None:
        fallen = {**CALM, "val_accuracy": 0.6}
        names = [
            [finding.name for finding in findings_of_epoch(history, REFERENCE, ALPHAS, CLIPPED)]
            for history in ([fallen], [fallen, fallen])
        ]
        assert names == [["collapse"], []]

    def test_a_network_that_stays_in_float_cannot_collapse_by_quantisation(self) -> None:
        fallen = {**CALM, "val_accuracy": 0.6}
        assert findings_of_epoch([fallen], REFERENCE, ALPHAS, {}) == ()

    def test_answers_may_differ_where_nothing_draws_them_together(self) -> None:
        apart = {**CALM, "masked_agreement": 0.2, "val_divergence": 0.5, "cross_entropy": 0.1}
        unguided = dataclasses.replace(REFERENCE, guided=False)
        history = [CALM, apart, apart]
        assert findings_of_epoch(history, unguided, ALPHAS, CLIPPED) == ()
        (found,) = findings_of_epoch(history, REFERENCE, ALPHAS, CLIPPED)
        assert found.name == "drift"

    def test_the_maps_of_a_network_that_has_learned_nothing_tell_of_no_overlay(self) -> None:
        shortcut = {**CALM, "saliency_overlay": 0.5}
        (found,) = findings_of_epoch([shortcut], REFERENCE, ALPHAS, CLIPPED)
        assert found.name == "overlay"
        guess = {**shortcut, "val_macro_sensitivity": 1 / 3}
        assert findings_of_epoch([guess], REFERENCE, ALPHAS, CLIPPED) == ()

    def test_what_a_few_validation_images_decide_is_mostly_chance(self) -> None:
        few = dataclasses.replace(REFERENCE, images=49)
        (found,) = findings_of_epoch([CALM], few, ALPHAS, CLIPPED)
        assert found.name == "few_images"
        assert found.sentence.startswith("49 validation images")
