"""Whether a probability means what it says: calibration of the predicted class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_runtime.metrics.classification import Floats, Integers
from edge_runtime.quick_dataclass import dataclass

__all__ = ["Reliability", "brier_scores", "log_losses", "reliability"]

BINS = 15
_SMALLEST_PROBABILITY = 1e-12


@dataclass(frozen=True, eq=False)
class Reliability:
    """Images in bins of equal width by the probability of their top class.

    Attributes:
        count: int64 [B], images in each bin.
        confidence: float64 [B], mean probability of the top class; NaN in an empty bin.
        accuracy: float64 [B], share of images whose top class is the label; NaN in an empty bin.
    """

    count: Integers
    confidence: Floats
    accuracy: Floats

    @property
    def expected_calibration_error(self) -> float:
        """Mean |accuracy - confidence| over images (ECE; Guo et al., arXiv 1706.04599, eq. 5).

        With few images it is too high: chance alone moves the accuracy of a bin.
        """
        filled = self.count > 0
        gaps = np.abs(self.accuracy[filled] - self.confidence[filled])
        return float((gaps * self.count[filled]).sum() / self.count.sum())


def reliability(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = BINS
) -> Reliability:
    """Sort images into bins.

    Args:
        labels: Integers [N].
        probabilities: Floats [N, C], rows that sum to 1.
        bins: B; a probability on an edge belongs to the bin below it.

    Raises:
        ValueError: Shapes do not agree, there is no image, or a row does not sum to 1.

    Examples:
        >>> sure, unsure = [1.0, 0.0], [0.6, 0.4]
        >>> found = reliability([0, 0, 1, 1], [sure, sure, unsure, unsure])
        >>> round(found.expected_calibration_error, 3)  # 0.6 was said, and none was right
        0.3
    """
    truth, shares = _checked(labels, probabilities)
    top = shares.max(axis=1)
    index = np.clip(np.ceil(top * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    means = []
    for values in (top, (shares.argmax(axis=1) == truth).astype(np.float64)):
        sums = np.bincount(index, values, minlength=bins)
        means.append(np.divide(sums, count, out=np.full(bins, np.nan), where=count > 0))
    return Reliability(count.astype(np.int64), means[0], means[1])


def brier_scores(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> Floats:
    """Squared distance of each image's probabilities from its label, 0 to 2 (Brier 1950).

    Args:
        labels: Integers [N].
        probabilities: Floats [N, C], rows that sum to 1.

    Returns:
        float64 [N].

    Raises:
        ValueError: As :func:`reliability`.

    Examples:
        >>> brier_scores([0, 1], [[1.0, 0.0], [0.5, 0.5]]).tolist()
        [0.0, 0.5]
    """
    truth, shares = _checked(labels, probabilities)
    wanted = np.eye(shares.shape[1])[truth]
    return np.asarray(((shares - wanted) ** 2).sum(axis=1), np.float64)


def log_losses(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> Floats:
    """Negative natural logarithm of the label's probability, float64 [N].

    Args:
        labels: Integers [N].
        probabilities: Floats [N, C], rows that sum to 1; below 1e-12 counts as that.

    Raises:
        ValueError: As :func:`reliability`.
    """
    truth, shares = _checked(labels, probabilities)
    found = shares[np.arange(len(truth)), truth]
    return -np.log(np.maximum(found, _SMALLEST_PROBABILITY))


def _checked(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> tuple[Integers, Floats]:
    truth, shares = np.asarray(labels, np.int64), np.asarray(probabilities, np.float64)
    if truth.ndim != 1 or shares.ndim != 2 or len(truth) != len(shares) or not len(truth):
        raise ValueError(
            f"expected labels [N] and probabilities [N, C], got {truth.shape} and {shares.shape}"
        )
    if not np.allclose(shares.sum(axis=1), 1.0, atol=1e-6):
        raise ValueError("the probabilities of an image do not sum to 1")
    return truth, shares
