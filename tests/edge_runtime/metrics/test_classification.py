"""Classification figures agree with scikit-learn, and say when they are not defined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics as oracle

from edge_runtime.metrics import (
    auc_one_vs_rest,
    classification_metrics,
    confusion_matrix,
)


@st.composite
def evaluations(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of 2..5 classes, with ties and missing classes."""
    classes, count = draw(st.integers(2, 5)), draw(st.integers(1, 40))
    labels = draw(arrays.arrays(np.int64, count, elements=st.integers(0, classes - 1)))
    steps = draw(arrays.arrays(np.int64, (count, classes), elements=st.integers(0, 6)))
    scores = steps + 0.5
    return labels, scores / scores.sum(axis=1, keepdims=True)


@settings(max_examples=150)
@given(evaluations())
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
def test_every_figure_agrees_with_scikit_learn(
    evaluation: tuple[np.ndarray, np.ndarray],
) -> None:
    labels, scores = evaluation
    classes = list(range(scores.shape[1]))
    guess = scores.argmax(axis=1)
    result = classification_metrics(labels, scores)

    np.testing.assert_array_equal(
        result.confusion, oracle.confusion_matrix(labels, guess, labels=classes)
    )
    assert result.count == len(labels)
    assert result.accuracy == pytest.approx(oracle.accuracy_score(labels, guess))
    assert result.mcc == pytest.approx(oracle.matthews_corrcoef(labels, guess), abs=1e-12)
    for index in classes:
        truth, picked = labels == index, guess == index
        expected = {
            "sensitivity": oracle.recall_score(truth, picked, zero_division=np.nan),
            "specificity": oracle.recall_score(~truth, ~picked, zero_division=np.nan),
            "f1": oracle.f1_score(truth, picked, zero_division=np.nan),
            "auc": (
                oracle.roc_auc_score(truth, scores[:, index])
                if 0 < truth.sum() < len(truth)
                else math.nan
            ),
        }
        for name, value in expected.items():
            assert getattr(result, name)[index] == pytest.approx(value, nan_ok=True), name


@settings(max_examples=80)
@given(evaluations(), st.data())
def test_weights_count_an_image_as_often_as_repeating_it(
    evaluation: tuple[np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    labels, scores = evaluation
    times = data.draw(arrays.arrays(np.int64, len(labels), elements=st.integers(0, 3)))
    times[0] += 1
    names = [str(index) for index in range(scores.shape[1])]
    weighted = classification_metrics(labels, scores, times).scalars(names)
    repeated = classification_metrics(labels.repeat(times), scores.repeat(times, axis=0))
    assert weighted == pytest.approx(repeated.scalars(names), nan_ok=True)


def test_macro_figures_are_means_over_the_classes_that_have_one() -> None:
    result = classification_metrics(
        [0, 0, 1], [[0.9, 0.1, 0.0], [0.35, 0.65, 0.0], [0.3, 0.7, 0.0]]
    )
    assert math.isnan(result.sensitivity[2])
    assert result.macro_sensitivity == pytest.approx((0.5 + 1.0) / 2)
    assert result.macro_auc == 1.0
    assert math.isnan(result.f1[2])


def test_worked_example() -> None:
    scores = np.eye(2)[[0, 0, 0, 1, 1]]
    result = classification_metrics([0, 0, 1, 1, 1], scores)
    np.testing.assert_array_equal(result.confusion, [[2, 0], [1, 2]])
    assert result.accuracy == pytest.approx(0.8)
    assert result.sensitivity == pytest.approx([1.0, 2 / 3])
    assert result.specificity == pytest.approx([2 / 3, 1.0])
    assert result.f1 == pytest.approx([4 / 5, 4 / 5])
    assert result.mcc == pytest.approx(4 / 6)


def test_a_constant_prediction_has_mcc_zero_and_auc_one_half() -> None:
    result = classification_metrics([0, 1, 1], np.full((3, 2), 0.5))
    assert result.mcc == 0.0
    assert result.auc == pytest.approx([0.5, 0.5])


def test_scalars_are_named_after_the_classes() -> None:
    figures = classification_metrics([0, 1], np.eye(2)).scalars(["normal", "polyp"])
    assert figures["sensitivity/polyp"] == 1.0
    assert list(figures)[:6] == [
        "accuracy",
        "macro_sensitivity",
        "macro_specificity",
        "macro_f1",
        "mcc",
        "macro_auc",
    ]


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([], np.zeros((0, 2)), "no image"),
        ([2], np.zeros((1, 2)), "label is not in 0..1"),
        ([-1], np.zeros((1, 2)), "label is not in 0..1"),
        ([0, 1], np.zeros((1, 2)), "expected labels"),
        ([0], np.array([[np.nan, 0.0]]), "not a finite number"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    labels: list[int], scores: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        classification_metrics(labels, scores)


def test_confusion_matrix_refuses_classes_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match=r"prediction is not in 0\.\.1"):
        confusion_matrix([0], [2], 2)


def test_auc_stays_exact_for_many_images() -> None:
    labels = np.repeat([0, 1], 200_000)
    scores = np.stack([1.0 - labels, labels], axis=1)
    assert auc_one_vs_rest(labels, scores) == pytest.approx([1.0, 1.0], abs=0)
