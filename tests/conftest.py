"""Fixtures that the tests of every package share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.requirements import real_image_folder


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
