from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from export.calibration_images import load_training_images
from export.candidate import Candidate, emit_candidate
from export.cli import export
from export.trained_run import TrainedRun, read_trained_run


@pytest.fixture(scope="session")
def trained(tiny_run: Path) -> TrainedRun:
    return read_trained_run(tiny_run)


@pytest.fixture(scope="session")
def calibration(trained: TrainedRun) -> np.ndarray:
    return load_training_images(trained, 24).images


@pytest.fixture(scope="session")
def candidate(trained: TrainedRun, calibration: np.ndarray) -> Candidate:
    return emit_candidate(trained.network, calibration)


@pytest.fixture
def run_export() -> Callable[..., None]:
    """The command in this process, on the fewest images."""

    def call(run: Path, out: Path, *arguments: str) -> None:
        export.main(
            [str(run), "--int8", "--out", str(out), "--samples", "16", *arguments],
            standalone_mode=False,
        )

    return call
