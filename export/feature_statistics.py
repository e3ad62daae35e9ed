"""Mean and shrunk covariance of the pooled features, for the distance of an image from the known.

The covariance is shrunk towards a multiple of the identity with the weight that minimises the
expected squared error (Ledoit and Wolf, A well-conditioned estimator for large-dimensional
covariance matrices, J. Multivariate Analysis 88, 2004, section 3.2), so that it can be inverted
even from fewer images than features. The rounding error of the quantised features is added to every
variance, since a feature that never moved in training still may move by a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FeatureMoments", "feature_moments", "shrunk_covariance"]


@dataclass(frozen=True)
class FeatureMoments:
    """Moments of F features over N images.

    Attributes:
        mean: float32 ``[F]``.
        covariance: float32 ``[F, F]``, shrunk, positive definite.
        count: N.
        shrinkage: weight of the scaled identity, 0 to 1.
    """

    mean: NDArray[np.float32]
    covariance: NDArray[np.float32]
    count: int
    shrinkage: float


def feature_moments(features: NDArray[np.float32], step: float) -> FeatureMoments:
    """Measure features ``[N, F]`` as the INT8 graph gives them.

    Args:
        features: N is two or more.
        step: their quantisation step, whose rounding error has the variance ``step^2 / 12``.
    """
    wide = features.astype(np.float64)
    covariance, shrinkage = shrunk_covariance(wide)
    covariance.flat[:: covariance.shape[0] + 1] += step**2 / 12
    return FeatureMoments(
        mean=wide.mean(axis=0).astype(np.float32),
        covariance=covariance.astype(np.float32),
        count=len(features),
        shrinkage=shrinkage,
    )


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
