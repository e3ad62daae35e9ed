"""Mean and shrunk covariance of the pooled features, for the distance of an image from the known.

The covariance is shrunk towards a multiple of the identity with the weight that minimises the
expected squared error (Ledoit and Wolf, A well-conditioned estimator for large-dimensional
covariance matrices, J. Multivariate Analysis 88, 2004, section 3.2), so that it can be inverted
even from fewer images than features. The rounding error of the quantised features is added to every
variance, since a feature that never moved in training still may move by a step.

The threshold on the distance is found by cross-fitting: the images are dealt into folds, and each
is measured by the moments of the other folds, as if it were new. Of n such distances the one of
rank ``ceil((n + 1) (1 - rate))`` is the threshold: another image of their kind exceeds it with a
probability of ``rate`` at most (split conformal prediction; Vovk, Gammerman and Shafer, Algorithmic
Learning in a Random World, 2005). The network itself has seen all these images in training, so on
others the share may be higher: measure it there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.assessment.familiarity import FeatureDistance, whitening_of

__all__ = [
    "FALSE_ALARM_RATE",
    "FeatureMoments",
    "feature_moments",
    "half_precision",
    "shrunk_covariance",
]

FALSE_ALARM_RATE = 0.01
_FOLDS = 4


@dataclass(frozen=True)
class FeatureMoments:
    """Moments of F features over N images.

    Attributes:
        mean: float32 ``[F]``.
        whitening: float16 ``[F (F + 1) / 2]``, of the shrunk covariance, see ``whitening_of``.
        whitening_scale: a power of two that it is to be multiplied with.
        count: N.
        shrinkage: weight of the scaled identity, 0 to 1.
        threshold: distance that few images of this kind exceed.
        false_alarm_rate: how few: the wanted rate, or 1 / (N + 1) if N is too small to tell.
    """

    mean: NDArray[np.float32]
    whitening: NDArray[np.float16]
    whitening_scale: float
    count: int
    shrinkage: float
    threshold: float
    false_alarm_rate: float


def feature_moments(features: NDArray[np.float32], step: float) -> FeatureMoments:
    """Measure features ``[N, F]`` as the INT8 graph gives them.

    Args:
        features: N is two or more.
        step: their quantisation step, whose rounding error has the variance ``step^2 / 12``.
    """
    wide = features.astype(np.float64)
    mean, covariance, shrinkage = _moments(wide, step)
    whitening, scale = half_precision(whitening_of(covariance))
    rate = max(FALSE_ALARM_RATE, 1 / (len(features) + 1))
    return FeatureMoments(
        mean=mean.astype(np.float32),
        whitening=whitening,
        whitening_scale=scale,
        count=len(features),
        shrinkage=shrinkage,
        threshold=_threshold(_cross_fitted_distances(wide, step), rate),
        false_alarm_rate=rate,
    )


def _moments(
    samples: NDArray[np.float64], step: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Mean, covariance with the rounding error, and shrinkage of samples ``[N, F]``."""
    covariance, shrinkage = shrunk_covariance(samples)
    covariance.flat[:: covariance.shape[0] + 1] += step**2 / 12
    return samples.mean(axis=0), covariance, shrinkage


def half_precision(whitening: NDArray[np.float64]) -> tuple[NDArray[np.float16], float]:
    """Numbers of half precision and the power of two that gives them back.

    The largest becomes 2^14 to 2^15, so that also the small ones of features that vary much are
    far above the least normal number, 2^-14.
    """
    scale = 2.0 ** (math.frexp(float(np.abs(whitening).max()))[1] - 15)
    return (whitening / scale).astype(np.float16), scale


def _cross_fitted_distances(samples: NDArray[np.float64], step: float) -> NDArray[np.float32]:
    """Distance of each sample by the moments of the folds that it is not in, float32 ``[N]``."""
    folds = np.arange(len(samples)) % min(_FOLDS, len(samples))
    distances = np.empty(len(samples), np.float32)
    for fold in np.unique(folds):
        mean, covariance, _ = _moments(samples[folds != fold], step)
        distances[folds == fold] = FeatureDistance(mean, whitening_of(covariance))(
            samples[folds == fold]
        )
    return distances


def _threshold(distances: NDArray[np.float32], rate: float) -> float:
    """The distance of rank ``ceil((n + 1) (1 - rate))`` from below; positive."""
    rank = math.ceil((len(distances) + 1) * (1 - rate) - 1e-9)
    ranked = np.sort(distances)
    return max(float(ranked[min(rank, len(ranked)) - 1]), float(np.finfo(np.float32).tiny))


def shrunk_covariance(samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Ledoit and Wolf's estimate from samples ``[N, F]``, and its shrinkage.

    In their notation, with ``|A|^2 = trace(A A') / F``: ``m = trace(S) / F``,
    ``d^2 = |S - m I|^2``, ``b^2 = min(d^2, sum_k |x_k x_k' - S|^2 / N^2)`` and the estimate is
    ``(b^2 / d^2) m I + (1 - b^2 / d^2) S``.
    """
    count, size = samples.shape
    centred = samples - samples.mean(axis=0)
    sample_covariance = centred.T @ centred / count
    mean_variance = float(np.trace(sample_covariance)) / size
    norm = float((sample_covariance**2).sum()) / size
    dispersion = norm - mean_variance**2
    # sum_k |x_k x_k' - S|^2 = sum_k |x_k|^4 - N |S|^2, since the x_k x_k' have the mean S.
    fourth = float((np.einsum("nf,nf->n", centred, centred) ** 2).sum()) / size
    error = max(0.0, (fourth / count - norm) / count)
    shrinkage = 1.0 if dispersion <= 0 else min(1.0, error / dispersion)
    shrunk = (1 - shrinkage) * sample_covariance
    shrunk.flat[:: size + 1] += shrinkage * mean_variance
    return shrunk, shrinkage
