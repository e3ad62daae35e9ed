"""How far a picture lies from those that the network was trained on.

The distance is Mahalanobis' in the space of the pooled features, from the mean of all training
images (Lee et al., A Simple Unified Framework for Detecting Out-of-Distribution Samples,
arXiv:1807.03888, with one mean for all classes). A picture beyond the bundle's threshold is not one
of a kind that training knew; one within it may be, nothing more.

A bundle holds the inverse of Cholesky's factor of the covariance, so that a device multiplies and
factorises nothing: the distance is the length of ``L^-1 (x - mean)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle.reader import Bundle
from edge_runtime.bundle.records import FeatureStatistics
from edge_runtime.errors import ArtifactError

__all__ = ["FeatureDistance", "open_feature_distance", "whitening_of"]

_BLOCK = 64


class FeatureDistance:
    """Mahalanobis' distance ``sqrt((x - mean)' covariance^-1 (x - mean))``.

    Args:
        mean: ``[F]``.
        whitening: ``[F (F + 1) / 2]``, the rows of ``L^-1`` up to the diagonal, one after the
            other, see :func:`whitening_of`; of any float dtype.
        scale: What they are to be multiplied with.

    Raises:
        ValueError: The sizes do not fit, a number is not finite, or a diagonal is not positive.
    """

    def __init__(
        self, mean: NDArray[np.floating], whitening: NDArray[np.floating], scale: float = 1.0
    ) -> None:
        size = len(mean)
        if mean.shape != (size,) or whitening.shape != (size * (size + 1) // 2,):
            raise ValueError(f"the mean {mean.shape} and the factor {whitening.shape} do not fit")
        ends = np.cumsum(np.arange(1, size + 1))
        if not (whitening[ends - 1] > 0).all() or not scale > 0:
            raise ValueError("the diagonal of the factor is not positive")
        self._mean = mean.astype(np.float32)
        # By blocks of rows without what is zero in all of them: half of a whole matrix.
        self._blocks: list[NDArray[np.float32]] = []
        for start in range(0, size, _BLOCK):
            stop = min(start + _BLOCK, size)
            block = np.zeros((stop - start, stop), np.float32)
            for row in range(start, stop):
                block[row - start, : row + 1] = whitening[ends[row] - row - 1 : ends[row]]
            block *= np.float32(scale)
            self._blocks.append(block)
        if not all(np.isfinite(numbers).all() for numbers in (self._mean, *self._blocks)):
            raise ValueError("a number is not finite")

    def __call__(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the distances float32 ``[N]`` of features ``[N, F]``."""
        centred = features.astype(np.float32) - self._mean
        squares = np.zeros(len(centred), np.float32)
        for block in self._blocks:
            squares += np.square(centred[:, : block.shape[1]] @ block.T).sum(axis=1)
        lengths: NDArray[np.float32] = np.sqrt(squares)
        return lengths


def whitening_of(covariance: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return ``L^-1`` of a covariance ``[F, F]`` as :class:`FeatureDistance` takes it.

    Raises:
        ValueError: It is no square matrix, or not positive definite.
    """
    size = len(covariance)
    if covariance.shape != (size, size):
        raise ValueError(f"the covariance {covariance.shape} is not square")
    try:
        factor = _inverse(np.linalg.cholesky(covariance.astype(np.float64)))
    except np.linalg.LinAlgError as error:
        raise ValueError("the covariance is not positive definite") from error
    return np.asarray(factor[np.tril(np.ones((size, size), bool))], np.float64)


def _inverse(lower: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of a lower triangular matrix, by halves: mostly matrix products.

    ``[[A, 0], [B, C]]^-1 = [[A^-1, 0], [-C^-1 B A^-1, C^-1]]``.
    """
    size = len(lower)
    if size <= _BLOCK:
        return np.asarray(np.linalg.inv(lower), np.float64)
    half = size // 2
    inverse = np.zeros_like(lower)
    inverse[:half, :half] = _inverse(lower[:half, :half])
    inverse[half:, half:] = _inverse(lower[half:, half:])
    inverse[half:, :half] = -inverse[half:, half:] @ lower[half:, :half] @ inverse[:half, :half]
    return inverse


def open_feature_distance(bundle: Bundle) -> FeatureDistance | None:
    """Return the distance from a bundle's training images; None if it has no statistics of them.

    Raises:
        ArtifactError: They are damaged.
    """
    record = bundle.spec.features
    if record is None:
        return None
    try:
        mean = bundle.read_array(record.mean_file)
        return FeatureDistance(mean, _whitening(bundle, record), record.whitening_scale)
    except ValueError as error:
        raise ArtifactError(
            f"The statistics of the features in {bundle.path} cannot be used ({error}); export "
            f"the bundle again."
        ) from error


def _whitening(bundle: Bundle, record: FeatureStatistics) -> NDArray[np.floating]:
    if record.whitening_file is not None:
        found: NDArray[np.floating] = bundle.read_array(record.whitening_file)
        return found
    assert record.covariance_file is not None
    return whitening_of(bundle.read_array(record.covariance_file))
