"""The workstation's image: it trains and exports without network, on a read-only root."""

from __future__ import annotations

import pytest

from tests.docker.containers import CLOSED
from tests.requirements import require_patience

pytestmark = pytest.mark.docker

# Training takes more memory and processes than a device has.
_OPTIONS = [
    option for option in CLOSED if not option.startswith(("--memory", "--ulimit=nproc"))
] + ["--tmpfs=/tmp", "--ulimit=nproc=4096:4096"]


@pytest.fixture(scope="module")
def train(containers, tmp_path_factory):
    """Function that runs a command of the image; what it writes stays between calls."""
    require_patience("ten minutes and 20 GB of disk")
    name = containers.build("train.Dockerfile", "localhost/saliedge-train", containers.platform)
    work = tmp_path_factory.mktemp("work")
    work.chmod(0o777)

    def run(*arguments: str) -> str:
        return containers.podman(
            "run", "--rm", *_OPTIONS, f"--volume={work}:/work", name, *arguments
        ).stdout

    return run


def test_it_trains_and_exports(train):
    train(
        "train", "--data", "synthetic:?count=60&seed=0&size=48", "--backbone", "small_cnn",
        "--epochs-float", "1", "--epochs", "1", "--threads", "1", "--out", "run",
    )  # fmt: skip
    exported = train("export", "run", "--int8", "--out", "model.edge")
    assert "gates passed" in exported
    assert "litert" in train("verify", "model.edge")
