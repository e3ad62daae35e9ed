"""Figures, differences and blind rows, against numbers worked out by hand."""

from __future__ import annotations

import dataclasses

import pytest

from edge_runtime.metrics import bootstrap_mean
from tests.train.study.conftest import made_record
from train.study.analysis import Analysis, RowFigures, analyse
from train.study.plan import Plan
from train.study.records import Lesions, Record

# (label, predicted): 3 of 4 right; 2 of 3 healthy and the one ill.
MOSTLY = [(0, 0), (0, 0), (0, 1), (1, 1)]
# 2 of 4 right; 1 of 2 healthy and 1 of 2 ill.
HALF = [(0, 0), (0, 1), (1, 0), (1, 1)]
ALL = [(label, label) for label, _ in HALF]


def analysed(plan: Plan, *records: Record) -> Analysis:
    return analyse(plan, {(r.fold, r.config_sha256): r for r in records})


def row(analysis: Analysis, name: str) -> RowFigures:
    return next(row for row in analysis.rows if row.row.name == name)


def test_the_folds_of_a_row_are_pooled(plan: Plan) -> None:
    found = row(
        analysed(
            plan,
            made_record(plan, "float", 0, MOSTLY),
            made_record(plan, "float", 1, HALF, first=4),
        ),
        "float",
    )
    assert (found.folds, found.images) == ((0, 1), 8)
    assert found.figures["accuracy"].value == pytest.approx(5 / 8)
    # Healthy: 3 of 5 found; ill: 2 of 3.
    assert found.sensitivity == pytest.approx((3 / 5, 2 / 3))
    assert found.figures["macro_sensitivity"].value == pytest.approx((3 / 5 + 2 / 3) / 2)
    # With two classes, the specificity of one is the sensitivity of the other.
    assert found.specificity == pytest.approx((2 / 3, 3 / 5))
    assert found.minutes == 1.0


def test_the_interval_resamples_groups(plan: Plan) -> None:
    record = made_record(plan, "float", 0, MOSTLY * 10)
    images = dataclasses.replace(record.images, group=tuple(i // 4 for i in range(40)))
    grouped = dataclasses.replace(record, images=images)
    # Every group of four is the same, so that no resample differs.
    interval = row(analysed(plan, grouped), "float").figures["accuracy"]
    assert (interval.low, interval.high) == pytest.approx((0.75, 0.75))
    alone = row(analysed(plan, record), "float").figures["accuracy"]
    hits = [float(a == b) for a, b in MOSTLY * 10]
    expected = bootstrap_mean(hits, range(40), replicates=2000)
    assert (alone.low, alone.high) == pytest.approx((expected.low, expected.high))


def test_differences_are_paired_image_by_image(plan: Plan) -> None:
    records = [made_record(plan, "float", 0, HALF * 5), made_record(plan, "pact_w8a8", 0, HALF * 5)]
    same = row(analysed(plan, *records), "pact_w8a8").figures["accuracy_minus_float"]
    assert (same.value, same.low, same.high) == (0, 0, 0)
    better = made_record(plan, "pact_w8a8", 0, ALL * 5)
    difference = row(analysed(plan, records[0], better), "pact_w8a8").figures
    assert difference["accuracy_minus_float"].value == pytest.approx(0.5)
    assert difference["macro_sensitivity_minus_float"].value == pytest.approx(0.5)
    assert 0 < difference["accuracy_minus_float"].low < 0.5


def test_a_difference_takes_the_folds_that_both_have(plan: Plan) -> None:
    analysis = analysed(
        plan,
        made_record(plan, "float", 0, HALF),
        made_record(plan, "pact_w8a8", 0, MOSTLY[:2] + HALF[2:]),
        made_record(plan, "pact_w8a8", 1, [(0, 1)] * 4, first=4),
    )
    found = row(analysis, "pact_w8a8")
    assert found.figures["accuracy"].value == pytest.approx(3 / 8)
    assert found.figures["accuracy_minus_float"].value == pytest.approx(1 / 4)


def test_the_order_of_the_images_in_a_record_does_not_matter(plan: Plan) -> None:
    record = made_record(plan, "pact_w8a8", 0, MOSTLY)
    backwards = {
        field.name: getattr(record.images, field.name)[::-1]
        for field in dataclasses.fields(record.images)
    }
    turned = dataclasses.replace(record, images=dataclasses.replace(record.images, **backwards))
    found = row(analysed(plan, made_record(plan, "float", 0, MOSTLY), turned), "pact_w8a8")
    assert found.figures["accuracy_minus_float"].high == 0


def test_records_of_other_images_cannot_be_paired(plan: Plan) -> None:
    records = made_record(plan, "float", 0, HALF), made_record(plan, "pact_w8a8", 0, HALF, first=9)
    with pytest.raises(ValueError, match="not of the same images"):
        analysed(plan, *records)


LESIONS = Lesions(
    index=(0, 1, 2, 3),
    group=(0, 1, 2, 3),
    area=(0.1, 0.2, 0.1, 0.4),
    off_centre=(1, 0, 1, 0),
    pointing=(1.0, 1.0, 0.0, 0.5),
    cam_pointing=(1.0, 1.0, 0.0, 1.0),
    cam_energy=(0.2, 0.2, 0.2, 0.6),
    early_pointing=(1.0, 1.0, 1.0, 0.0),
    early_energy=(0.4, 0.4, 0.3, 0.5),
    early_region=(0.02, 0.0, 0.0, 0.0),
    energy=(0.3, 0.4, None, 0.5),
    region=(0.05, 0.1, None, 0.0),
    fixed_pixel=(1, 0, 0, 1),
    gaussian=(0.2, 0.4, 0.0, 0.6),
)


def test_saliency_is_given_over_all_and_over_off_centre_lesions(plan: Plan) -> None:
    found = row(analysed(plan, made_record(plan, "float", 0, HALF, lesions=LESIONS)), "float")
    assert (found.lesions, found.off_centre) == (4, 2)
    figures = {name: interval.value for name, interval in found.figures.items()}
    assert figures["all/pointing"] == pytest.approx(2.5 / 4)
    assert figures["off_centre/pointing"] == pytest.approx(1 / 2)
    # A map that is zero everywhere has no energy and is left out.
    assert figures["all/energy"] == pytest.approx((0.3 + 0.4 + 0.5) / 3)
    assert figures["off_centre/energy"] == pytest.approx(0.3)
    assert figures["all/energy_over_area"] == pytest.approx(1.2 / 0.7)
    assert figures["all/region"] == pytest.approx(0.05)
    assert figures["all/cam_pointing"] == pytest.approx(3 / 4)
    assert figures["off_centre/cam_energy"] == pytest.approx(0.2)
    assert figures["off_centre/early_pointing"] == 1
    assert figures["off_centre/early_energy_over_area"] == pytest.approx(0.7 / 0.2)
    assert figures["all/early_region"] == pytest.approx(0.005)


def test_a_map_is_left_out_where_a_fold_lacks_it(plan: Plan) -> None:
    earlier = dataclasses.replace(LESIONS, early_pointing=(), early_energy=(), early_region=())
    records = (
        made_record(plan, "float", 0, HALF, lesions=LESIONS),
        made_record(plan, "float", 1, HALF, first=4, lesions=earlier),
        made_record(plan, "pact_w8a8", 0, HALF, lesions=LESIONS),
    )
    found = analysed(plan, *records)
    assert "all/early_pointing" not in row(found, "float").figures
    assert "all/pointing" in row(found, "float").figures
    # Float has it in the fold that both have.
    assert row(found, "pact_w8a8").figures["all/early_pointing_minus_float"].value == 0


def test_blind_guesses_stand_beside_the_maps(plan: Plan) -> None:
    blind = analysed(plan, made_record(plan, "float", 0, HALF, lesions=LESIONS)).blind
    values = {
        (name, figure): interval.value
        for name, figures in blind.items()
        for figure, interval in figures.items()
    }
    assert values["centre pixel", "all/pointing"] == 0.5
    assert values["centre pixel", "off_centre/pointing"] == 0
    assert values["best fixed pixel", "all/pointing"] == 0.5
    assert values["best fixed pixel", "off_centre/pointing"] == 0.5
    assert values["centred Gaussian", "all/energy"] == pytest.approx(0.3)
    assert values["centred Gaussian", "off_centre/energy_over_area"] == pytest.approx(1.0)
    assert values["even map", "all/energy"] == pytest.approx(0.2)


def test_rows_of_one_configuration_share_their_record(plan: Plan) -> None:
    analysis = analysed(plan, made_record(plan, "pact_w8a8", 0, MOSTLY))
    assert [found.row.name for found in analysis.rows] == ["pact_w8a8", "pact_sgt_w8a8_k00"]


def test_records_of_another_recipe_are_counted_and_left_out(plan: Plan) -> None:
    record = made_record(plan, "float", 0, HALF)
    other = dataclasses.replace(record, config_sha256="0" * 64)
    analysis = analysed(plan, record, other)
    assert (len(analysis.rows), analysis.foreign) == (1, 1)


def test_hours_count_the_shared_network_of_a_fold_once(plan: Plan) -> None:
    analysis = analysed(
        plan,
        made_record(plan, "float", 0, HALF),
        made_record(plan, "pact_w8a8", 0, HALF),
        made_record(plan, "float", 1, HALF, first=4),
    )
    assert analysis.hours == pytest.approx((3 * 65 + 2 * 120) / 3600)
