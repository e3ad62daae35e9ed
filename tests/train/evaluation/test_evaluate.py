"""The same evaluation on a run and on the bundle that was exported from it."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_runtime.errors import ArtifactError, DataError, OutputError, UsageError
from edge_runtime.metrics import Interval
from train.evaluation import (
    Evaluation,
    SaliencyOptions,
    evaluate,
    open_target,
    write_evaluation,
)
from train.run.progress import quiet_reporter

DATA = "synthetic:?count=60&size=32"
OTHER = "synthetic:?count=30&size=32&seed=5"


def measure(path: Path, **options: object) -> Evaluation:
    opening = {
        name: options.pop(name) for name in ("engine", "in_float", "checkpoint") if name in options
    }
    options.setdefault("saliency", SaliencyOptions(sample=0))
    with quiet_reporter() as reporter:
        return evaluate(open_target(path, **opening), reporter, **options)  # type: ignore[arg-type]


class TestRun:
    def test_it_is_measured_on_its_own_test_part(self, tiny_run: Path) -> None:
        result = measure(tiny_run)
        rows = list(csv.DictReader((tiny_run / "split.csv").open()))
        assert list(result.keys) == [row["file"] for row in rows if row["part"] == "test"]
        assert result.confusion.sum() == len(result.keys) == 6
        assert result.groups == 2
        assert result.figures["accuracy"].value == np.trace(result.confusion) / 6

    def test_float_is_another_network_of_the_same_weights(self, tiny_run: Path) -> None:
        quantized, in_float = measure(tiny_run), measure(tiny_run, in_float=True)
        difference = np.abs(quantized.probabilities - in_float.probabilities).max()
        assert 0 < difference < 0.05
        assert "float" in in_float.description

    def test_probabilities_are_calibrated_by_the_run(self, tiny_run: Path) -> None:
        calibration = measure(tiny_run).calibration
        stored = json.loads((tiny_run / "best.json").read_text())["metadata"]["temperature"]
        assert calibration.temperature == stored
        assert calibration.reliability.count.sum() == 6
        assert measure(tiny_run, checkpoint="float").calibration.temperature == 1.0

    def test_classes_are_called_at_the_points_of_the_run(self, tiny_run: Path) -> None:
        result = measure(tiny_run)
        metadata = json.loads((tiny_run / "best.json").read_text())["metadata"]
        stored = {point["class"]: point for point in metadata["operating_points"]}
        assert set(stored) == set(result.classes)
        for row in result.decisions:
            column = result.probabilities[:, result.classes.index(row.point.label)]
            is_class = result.labels == result.classes.index(row.point.label)
            assert row.point.to_json() == stored[row.point.label]
            called = column >= row.point.threshold
            assert row.rates.sensitivity.value == called[is_class].mean()
            assert row.rates.specificity.value == 1 - called[~is_class].mean()

    def test_the_points_are_those_that_the_validation_part_asks_for(self, tiny_run: Path) -> None:
        # On the part that they were chosen on, the stored figures must come out again.
        for row in measure(tiny_run, part="val").decisions:
            assert row.rates.sensitivity == row.point.sensitivity
            assert row.rates.specificity == row.point.specificity
            assert row.rates.sensitivity.value >= 0.95

    def test_points_can_be_chosen_anew(self, tiny_run: Path) -> None:
        lower = measure(tiny_run, sensitivity=0.5).decisions
        for row, stored in zip(lower, measure(tiny_run).decisions, strict=True):
            assert row.point.wanted_sensitivity == 0.5
            assert row.point.threshold >= stored.point.threshold
        with pytest.raises(UsageError, match="sensitivity of 2"):
            measure(tiny_run, sensitivity=2)

    def test_the_warm_up_can_be_measured(self, tiny_run: Path) -> None:
        assert "float.safetensors" in measure(tiny_run, checkpoint="float").description

    def test_saliency_stands_beside_its_blind_rows(self, tiny_run: Path) -> None:
        result = measure(tiny_run, part="train")
        assert result.masked_class == "polyp"
        assert {(row.lesions, row.map) for row in result.localization} == {
            (lesions, name)
            for lesions in ("all", "off-centre")
            for name in (
                "gradient",
                "blind: centre pixel",
                "blind: best fixed pixel",
                "blind: Gaussian",
                "blind: even",
                "blind: random weights, gradient",
            )
        }
        off_centre = next(
            row
            for row in result.localization
            if (row.lesions, row.map) == ("off-centre", "blind: centre pixel")
        )
        assert off_centre.pointing is not None
        assert off_centre.pointing.value == 0

    def test_other_images_are_measured_whole(self, tiny_run: Path) -> None:
        assert len(measure(tiny_run, source=OTHER, part="all").keys) == 30

    def test_other_images_have_no_test_part(self, tiny_run: Path) -> None:
        with pytest.raises(DataError, match=r"split\.csv names"):
            measure(tiny_run, source=OTHER)

    def test_options_of_bundles_are_refused(self, tiny_run: Path) -> None:
        with pytest.raises(UsageError, match="is a run"):
            measure(tiny_run, engine="onnx")

    def test_a_folder_that_is_neither_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ArtifactError, match="neither a run nor a bundle"):
            measure(tmp_path)


class TestBundle:
    @pytest.mark.parametrize("engine", ["onnx", "litert"])
    def test_it_agrees_with_its_run(self, tiny_run: Path, tiny_edge: Path, engine: str) -> None:
        run = measure(tiny_run, part="train")
        bundle = measure(tiny_edge, source=DATA, part="train", engine=engine)
        assert bundle.keys == run.keys
        np.testing.assert_allclose(bundle.probabilities, run.probabilities, atol=0.02)
        assert bundle.localization[0].count == run.localization[0].count

    def test_its_split_is_made_again_and_checked(self, tiny_run: Path, tiny_edge: Path) -> None:
        assert measure(tiny_edge, source=DATA).keys == measure(tiny_run).keys
        with pytest.raises(DataError, match="cannot be drawn again from"):
            measure(tiny_edge, source=OTHER)

    def test_it_carries_the_operating_points_of_its_run(
        self, tiny_run: Path, tiny_edge: Path
    ) -> None:
        bundle = measure(tiny_edge, source=DATA).decisions
        assert [row.point for row in bundle] == [row.point for row in measure(tiny_run).decisions]

    def test_its_split_can_come_from_the_run(self, tiny_run: Path, tiny_edge: Path) -> None:
        assert measure(tiny_edge, split_from=tiny_run).keys == measure(tiny_run).keys

    def test_it_must_be_told_its_images(self, tiny_edge: Path) -> None:
        with pytest.raises(UsageError, match="--data"):
            measure(tiny_edge)

    def test_options_of_runs_are_refused(self, tiny_edge: Path) -> None:
        with pytest.raises(UsageError, match="is a bundle"):
            measure(tiny_edge, in_float=True)

    def test_images_of_other_classes_are_refused(self, tiny_edge: Path, tmp_path: Path) -> None:
        for label in ("cat", "dog"):
            (tmp_path / "set" / label).mkdir(parents=True)
            for index in range(2):
                image = Image.new("RGB", (40, 40), (index * 90, 0, 0))
                image.save(tmp_path / "set" / label / f"{index}.png")
        with pytest.raises(DataError, match="class 'cat'"):
            measure(tiny_edge, source=str(tmp_path / "set"), part="all")


class TestReport:
    def test_files_hold_the_figures_and_every_prediction(
        self, tiny_run: Path, tmp_path: Path
    ) -> None:
        result = measure(tiny_run)
        write_evaluation(result, tmp_path / "report")
        record = json.loads((tmp_path / "report" / "metrics.json").read_text())
        assert record["metrics"]["accuracy"]["value"] == result.figures["accuracy"].value
        assert record["images"] == 6
        rows = list(csv.DictReader((tmp_path / "report" / "predictions.csv").open()))
        assert [row["file"] for row in rows] == list(result.keys)
        with pytest.raises(OutputError, match="--force"):
            write_evaluation(result, tmp_path / "report")
        for row in rows:
            shares = {label: float(row[f"p:{label}"]) for label in result.classes}
            assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
            assert row["prediction"] == max(shares, key=lambda label: shares[label])
        assert sum(row["images"] for row in record["calibration"]["bins"]) == 6
        for name in ("confusion.png", "reliability.png"):
            with Image.open(tmp_path / "report" / name) as picture:
                assert picture.size[0] > 200

    def test_the_json_names_no_image_and_no_path(self, tiny_run: Path) -> None:
        text = json.dumps(measure(tiny_run).to_json())
        assert "synthetic/" not in text
        assert str(tiny_run) not in text

    def test_the_table_has_a_row_for_every_figure(self, tiny_run: Path) -> None:
        text = measure(tiny_run).text()
        for word in (
            "accuracy",
            "macro sensitivity",
            "mcc",
            "polyp",
            "p >= 0.",
            "confusion",
            "blind: centre",
        ):
            assert word in text

    def test_an_interval_without_width_is_not_left_alone(self, tiny_run: Path) -> None:
        found = measure(tiny_run)
        wide = dataclasses.replace(
            found, figures=dict.fromkeys(found.figures, Interval(0.9, 0.8, 1.0))
        )
        sure = dataclasses.replace(
            found, figures={**wide.figures, "accuracy": Interval(1.0, 1.0, 1.0)}
        )
        assert "3/n" not in wide.text()
        assert "3/n" in sure.text()
