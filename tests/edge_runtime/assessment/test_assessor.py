"""What a person is told beside a prediction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_runtime import open_bundle
from edge_runtime.assessment.assessor import Assessor, call_threshold
from edge_runtime.assessment.calm_label import CalmOptions
from edge_runtime.errors import ArtifactError
from edge_runtime.sources import CaptureTime, Frame
from tests.edge_runtime import tiny_graphs
from tests.edge_runtime.predictions import prediction


@pytest.fixture
def bundle(tiny_bundle_path):
    return open_bundle(tiny_bundle_path)


def _prediction(seconds=None, source="film.mp4", features=0.0, **probabilities):
    probabilities = {"red": 0.2, "green": 0.2, "blue": 0.2, **probabilities}
    frame = Frame(
        np.zeros((1, 1, 3), np.uint8), source, 0, CaptureTime.now(), "film",
        still=seconds is None, video_seconds=seconds,
    )  # fmt: skip
    return prediction(
        frame=frame,
        label=max(probabilities, key=probabilities.get),
        probabilities=probabilities,
        features=np.full(3, features, np.float32),
    )


def test_a_class_is_called_from_its_operating_point_or_from_even_odds(bundle):
    assert call_threshold(bundle.spec, "green") == 0.25
    assert call_threshold(bundle.spec, "red") == 0.5


@pytest.mark.parametrize(
    ("probabilities", "uncertain"),
    [
        ({"green": 0.25}, False),
        ({"green": 0.24}, True),
        ({"red": 0.5}, False),
        ({"red": 0.49}, True),
    ],
)
def test_a_probability_below_the_point_is_uncertain(bundle, probabilities, uncertain):
    assessed = Assessor().assess(_prediction(**probabilities), bundle)
    assert assessed.uncertain == uncertain


def test_the_shown_label_is_calm_and_the_raw_one_stays(bundle):
    assessor = Assessor()
    for index in range(10):
        assessor.assess(_prediction(index / 25, red=0.9), bundle)
    flicker = _prediction(10 / 25, blue=0.9)
    assessment = assessor.assess(flicker, bundle)
    assert (flicker.label, assessment.shown_label) == ("blue", "red")
    # The mean of ten frames of 0.9 and one of 0.2.
    assert assessment.shown_probability == pytest.approx((10 * 0.9 + 0.2) / 11)
    assert not assessment.uncertain


def test_single_images_are_never_averaged(bundle):
    assessor = Assessor(CalmOptions(window_seconds=100))
    shown = [
        assessor.assess(_prediction(**{label: 0.9}), bundle).shown_label
        for label in ("red", "blue", "green")
    ]
    assert shown == ["red", "blue", "green"]


def test_another_film_begins_anew(bundle):
    assessor = Assessor()
    for index in range(10):
        assessor.assess(_prediction(index / 25, red=0.9), bundle)
    assert assessor.assess(_prediction(0.4, "b.mp4", blue=0.9), bundle).shown_label == "blue"


@pytest.mark.parametrize(("value", "unfamiliar"), [(0.3, False), (0.5, True)])
def test_features_beyond_the_threshold_are_unfamiliar(bundle, value, unfamiliar):
    assessment = Assessor().assess(_prediction(features=value), bundle)
    assert assessment.distance == pytest.approx(value * np.sqrt(3))
    assert assessment.unfamiliar == unfamiliar


def test_the_distance_of_moving_pictures_is_measured_twice_a_second(bundle):
    assessor = Assessor()
    distances = [
        assessor.assess(_prediction(index / 10, features=index / 100), bundle).distance
        for index in range(11)
    ]
    steps = np.array([0] * 5 + [5] * 5 + [10]) / 100 * np.sqrt(3)
    np.testing.assert_allclose(distances, steps, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "text"),
    [({"red": 0.9}, "red 90 %"), ({"red": 0.4}, "red ? 40 %"),
     ({"red": 0.9, "features": 0.5}, "red ? 90 %")],
)  # fmt: skip
def test_a_label_that_should_not_be_relied_on_has_a_question_mark(bundle, changes, text):
    shown = _prediction(**changes)
    shown = replace(shown, assessment=Assessor().assess(shown, bundle))
    assert shown.shown_text == text


def test_without_statistics_the_distance_is_not_known(tmp_path):
    tiny_graphs.write_bundle(tmp_path / "plain.edge", features=None)
    assessment = Assessor().assess(_prediction(), open_bundle(tmp_path / "plain.edge"))
    assert (assessment.distance, assessment.unfamiliar) == (None, None)


def test_statistics_without_a_threshold_give_a_distance_and_no_verdict(tmp_path):
    record = replace(tiny_graphs.FEATURES, threshold=None, false_alarm_rate=None)
    tiny_graphs.write_bundle(tmp_path / "old.edge", features=record)
    assessment = Assessor().assess(_prediction(), open_bundle(tmp_path / "old.edge"))
    assert (assessment.distance, assessment.unfamiliar) == (0.0, None)


def test_damaged_statistics_are_one_sentence(tmp_path):
    record = replace(tiny_graphs.FEATURES, whitening_file="features-mean.npy")
    tiny_graphs.write_bundle(tmp_path / "bad.edge", features=record)
    with pytest.raises(ArtifactError, match="cannot be used"):
        Assessor().assess(_prediction(), open_bundle(tmp_path / "bad.edge"))
