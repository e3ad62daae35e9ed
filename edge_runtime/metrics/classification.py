"""Figures of merit of a classifier, from its probabilities."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from edge_runtime.quick_dataclass import dataclass

__all__ = [
    "ClassificationMetrics",
    "auc_one_vs_rest",
    "classification_metrics",
    "confusion_matrix",
]

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClassificationMetrics:
    """The figures of one evaluation; NaN wherever a figure is not defined.

    A figure of a class is undefined if its denominator is zero (sensitivity of a class that has no
    image). A macro figure is the plain mean over the classes where it is defined.

    Attributes:
        count: Number of images.
        confusion: int64 [C, C], rows are the true classes, columns the predicted ones.
        accuracy: Share of images whose top class is the label.
        mcc: Matthews correlation coefficient for C classes (Gorodkin 2004, the R_K statistic);
            0 if all labels or all predictions are one class.
        sensitivity: float64 [C], recall of each class.
        specificity: float64 [C], share of the other classes' images not given this class.
        f1: float64 [C], 2 TP / (2 TP + FP + FN).
        auc: float64 [C], area under the ROC curve of each class against the rest; ties count half.
    """

    count: int
    confusion: Integers
    accuracy: float
    mcc: float
    sensitivity: Floats
    specificity: Floats
    f1: Floats
    auc: Floats

    @property
    def macro_sensitivity(self) -> float:
        """Mean sensitivity over classes (balanced accuracy)."""
        return _mean_of_defined(self.sensitivity)

    @property
    def macro_specificity(self) -> float:
        """Mean specificity over classes."""
        return _mean_of_defined(self.specificity)

    @property
    def macro_f1(self) -> float:
        """Mean F1 over classes."""
        return _mean_of_defined(self.f1)

    @property
    def macro_auc(self) -> float:
        """Mean one-vs-rest AUC over classes."""
        return _mean_of_defined(self.auc)

    def scalars(self, classes: Sequence[str]) -> dict[str, float]:
        """Return every figure by name: ``accuracy``, ``macro_f1``, ``sensitivity/polyp``, ...

        Args:
            classes: The C class names.
        """
        if len(classes) != len(self.sensitivity):
            raise ValueError(f"expected {len(self.sensitivity)} class names, got {len(classes)}")
        figures = {
            "accuracy": self.accuracy,
            "macro_sensitivity": self.macro_sensitivity,
            "macro_specificity": self.macro_specificity,
            "macro_f1": self.macro_f1,
            "mcc": self.mcc,
            "macro_auc": self.macro_auc,
        }
        for name in ("sensitivity", "specificity", "f1", "auc"):
            values = getattr(self, name)
            figures |= {f"{name}/{label}": float(values[i]) for i, label in enumerate(classes)}
        return figures


def classification_metrics(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> ClassificationMetrics:
    """Compute every figure at once.

    Args:
        labels: Integers [N], the true class of each image, 0 .. C-1.
        probabilities: Floats [N, C]; any score that grows with the probability serves as well. The
            predicted class is the first of the highest.
        weights: Integers [N], how often each image counts (the bootstrap's draws); once if None.

    Raises:
        ValueError: Shapes do not agree, a label is out of range, a score is not finite, or there
            is no image.

    Examples:
        Three images of two classes, one of the first class taken for the second:

        >>> found = classification_metrics([0, 0, 1], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
        >>> found.sensitivity  # [C]
        array([0.5, 1. ])
        >>> found.macro_sensitivity, found.macro_auc
        (0.75, 1.0)
    """
    truth, scores = _checked(labels, probabilities)
    times = np.ones(len(truth), np.int64) if weights is None else np.asarray(weights, np.int64)
    if times.shape != truth.shape:
        raise ValueError(f"expected weights {truth.shape}, got {times.shape}")
    classes = scores.shape[1]
    confusion = confusion_matrix(truth, scores.argmax(axis=1), classes, times)
    total, hits = int(confusion.sum()), np.diagonal(confusion)
    actual, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    others = total - actual
    return ClassificationMetrics(
        count=total,
        confusion=confusion,
        accuracy=float(hits.sum() / total) if total else math.nan,
        mcc=_matthews(confusion),
        sensitivity=_ratio(hits, actual),
        specificity=_ratio(others - (predicted - hits), others),
        f1=_ratio(2 * hits, actual + predicted),
        auc=auc_one_vs_rest(truth, scores, times),
    )


def confusion_matrix(
    labels: npt.ArrayLike,
    predictions: npt.ArrayLike,
    class_count: int,
    weights: npt.ArrayLike | None = None,
) -> Integers:
    """Count images by true class (row) and predicted class (column).

    Args:
        labels: Integers [N], 0 .. class_count-1.
        predictions: Integers [N], 0 .. class_count-1.
        class_count: C.
        weights: Integers [N], how often each image counts; once if None.

    Returns:
        int64 [C, C].

    Raises:
        ValueError: Shapes do not agree, or a class is out of range.

    Examples:
        >>> confusion_matrix(labels=[0, 0, 1], predictions=[0, 1, 1], class_count=2)
        array([[1, 1],
               [0, 1]])
    """
    truth, guess = np.asarray(labels, np.int64), np.asarray(predictions, np.int64)
    if truth.ndim != 1 or truth.shape != guess.shape:
        raise ValueError(f"expected two lists of one length, got {truth.shape} and {guess.shape}")
    for name, values in (("label", truth), ("prediction", guess)):
        if values.size and not (values.min() >= 0 and values.max() < class_count):
            raise ValueError(f"a {name} is not in 0..{class_count - 1}")
    times = np.ones(len(truth), np.int64) if weights is None else np.asarray(weights, np.int64)
    matrix = np.zeros((class_count, class_count), np.int64)
    np.add.at(matrix, (truth, guess), times)
    return matrix


def auc_one_vs_rest(
    labels: npt.ArrayLike, scores: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Floats:
    """Area under each class's ROC curve against the rest, ties counting half (Mann-Whitney U).

    Args:
        labels: Integers [N], 0 .. C-1.
        scores: Floats [N, C].
        weights: Integers [N], how often each image counts; once if None.

    Returns:
        float64 [C]; NaN for a class that has no image, or all of them.

    Examples:
        Of the four pairs of an image of the second class and one of the first, three are in order:

        >>> scores = [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]]  # [N, C]
        >>> auc_one_vs_rest([0, 0, 1, 1], scores)
        array([0.75, 0.75])
    """
    truth, table = _checked(labels, scores)
    times = np.ones(len(truth), np.int64) if weights is None else np.asarray(weights, np.int64)
    areas = np.full(table.shape[1], np.nan)
    for index in range(table.shape[1]):
        order = np.argsort(table[:, index], kind="stable")
        values = table[order, index]
        positive = np.where(truth[order] == index, times[order], 0)
        negative = times[order] - positive
        starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
        wins, losses = np.add.reduceat(positive, starts), np.add.reduceat(negative, starts)
        pairs = int(wins.sum()) * int(losses.sum())
        if pairs:
            below = np.cumsum(losses) - losses
            areas[index] = float((wins * (2 * below + losses)).sum()) / (2 * pairs)
    return areas


def _checked(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Integers, Floats]:
    truth, table = np.asarray(labels, np.int64), np.asarray(scores, np.float64)
    if truth.ndim != 1 or table.ndim != 2 or len(truth) != len(table):
        raise ValueError(f"expected labels [N] and scores [N, C], got {truth.shape}, {table.shape}")
    if not len(truth):
        raise ValueError("there is no image to evaluate")
    if truth.min() < 0 or truth.max() >= table.shape[1]:
        raise ValueError(f"a label is not in 0..{table.shape[1] - 1}")
    if not np.isfinite(table).all():
        raise ValueError("a score is not a finite number")
    return truth, table


def _ratio(numerator: Integers, denominator: Integers) -> Floats:
    result = np.full(len(denominator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def _matthews(confusion: Integers) -> float:
    # In Python integers: the products exceed 64 bits for large sets only, but then silently.
    actual = [int(value) for value in confusion.sum(axis=1)]
    predicted = [int(value) for value in confusion.sum(axis=0)]
    total, hits = sum(actual), int(np.trace(confusion))
    covariance = hits * total - sum(a * p for a, p in zip(actual, predicted, strict=True))
    spread_actual = total * total - sum(a * a for a in actual)
    spread_predicted = total * total - sum(p * p for p in predicted)
    if spread_actual == 0 or spread_predicted == 0:
        return 0.0
    return covariance / (math.sqrt(spread_actual) * math.sqrt(spread_predicted))


def _mean_of_defined(values: Floats) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(np.nanmean(values))
