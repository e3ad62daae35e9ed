"""What opening and asking the distance from the training images costs on a device.

    python -m benchmarks.studies.familiarity_cost first.edge

A bundle holds the inverse of Cholesky's factor in half precision; before schema 1.6 it held the
covariance, which every start factorised. Both ways are timed for the same statistics, in CPU
milliseconds of this process, and their distances are compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from edge_runtime.assessment.familiarity import FeatureDistance, whitening_of
from edge_runtime.bundle import open_bundle
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import ArtifactError, run_command
from export.feature_statistics import half_precision

__all__ = ["familiarity_cost"]

_REPEATS = 9
_IMAGES = 64


def statistics_of(path: Path) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
    """Return the mean ``[F]`` and the covariance ``[F, F]`` of a bundle of any schema.

    Raises:
        ArtifactError: It has none.
    """
    bundle = open_bundle(path)
    record = bundle.spec.features
    if record is None:
        raise ArtifactError(f"{path} has no statistics of features; export it again.")
    mean = bundle.read_array(record.mean_file)
    if record.covariance_file is not None:
        return mean, bundle.read_array(record.covariance_file).astype(np.float64)
    assert record.whitening_file is not None
    factor = np.zeros((record.size, record.size))
    packed = bundle.read_array(record.whitening_file).astype(np.float64)
    factor[np.tril_indices(record.size)] = packed * record.whitening_scale
    root = np.linalg.inv(factor)
    return mean, root @ root.T


@click.command(context_settings=SETTINGS)
@click.argument("bundle", type=click.Path(path_type=Path))
def familiarity_cost(bundle: Path) -> None:
    """Time both ways for the statistics of BUNDLE."""
    mean, covariance = statistics_of(bundle)
    stored = covariance.astype(np.float32)
    halves, scale = half_precision(whitening_of(covariance))
    opened: dict[str, Callable[[], FeatureDistance]] = {
        "covariance, float32": lambda: FeatureDistance(mean, whitening_of(stored)),
        "factor, float16": lambda: FeatureDistance(mean, halves, scale),
    }
    sizes = {"covariance, float32": stored.nbytes, "factor, float16": halves.nbytes}
    root = np.linalg.cholesky(covariance)
    drawn = np.random.default_rng(0).normal(size=(_IMAGES, len(mean))) @ root.T + mean
    exact = FeatureDistance(mean, whitening_of(covariance))(drawn)
    for name, make in opened.items():
        distance = make()
        error = float(np.abs(distance(drawn) / exact - 1).max())
        click.echo(
            f"{name}: {sizes[name] / 1e6:.2f} MB, {_cpu_ms(make):.1f} CPU ms to open, "
            f"{_cpu_ms(partial(distance, drawn[:1])):.2f} CPU ms an image, distances within "
            f"{error:.1e} of double precision ({len(mean)} features)"
        )


def _cpu_ms(work: Callable[[], object]) -> float:
    """Median CPU time of a piece of work, in milliseconds."""
    taken = []
    for _ in range(_REPEATS):
        begin = time.process_time_ns()
        work()
        taken.append(time.process_time_ns() - begin)
    return float(np.median(taken)) / 1e6


if __name__ == "__main__":
    run_command(familiarity_cost, None, name="familiarity_cost")
