"""Fixtures that the tests of every package share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests.requirements import real_image_folder

# An example that takes long on a busy machine is no failure. All else is as hypothesis has it:
# where CI is set, it draws the same examples every time.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images (`hyperkvasir5/` and others); read-only."""
    return real_image_folder()


@pytest.fixture(scope="session")
def toy_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with every graph in both formats and its float reference beside it; read-only."""
    from tests.edge_runtime import tiny_graphs

    path = tmp_path_factory.mktemp("toy") / "toy.edge"
    tiny_graphs.write_bundle(path)
    tiny_graphs.write_reference(path.with_name("toy.reference"))
    return path


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the small CNN on 48 pixels, of every stage and little skill; read-only."""
    from train.config import resolve
    from train.loop.trainer import train
    from train.run.directory import RunDirectory
    from train.run.progress import plain_reporter

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    config = resolve(
        {
            "data": {"source": "synthetic:?count=120&seed=0&size=48"},
            "network": {"backbone": "small_cnn", "height": 48, "width": 48},
            "optimizer": {"epochs_float": 4, "epochs": 1, "batch_size": 16},
            "run": {"threads": 1, "tensorboard": False},
        }
    )
    with plain_reporter() as reporter:
        train(config, RunDirectory(folder), reporter)
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that the export command makes of `tiny_run`, its reference beside; read-only."""
    from export.cli import export

    path = tmp_path_factory.mktemp("bundles") / "tiny.edge"
    export.main([str(tiny_run), "--int8", "--out", str(path)], standalone_mode=False)
    return path
