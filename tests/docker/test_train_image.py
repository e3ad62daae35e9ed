"""The workstation's image: it trains and exports without network, on a read-only root."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docker.containers import CLOSED
from tests.requirements import require_patience

pytestmark = pytest.mark.docker

# torch for GPUs, which is the larger one: no test needs another index than PyPI.
_INDEX = "https://pypi.org/simple"
_MOST_BYTES = 7.5e9
# Training takes more memory and processes than a device has.
_OPTIONS = [
    option for option in CLOSED if not option.startswith(("--memory", "--ulimit=nproc"))
] + ["--tmpfs=/tmp", "--ulimit=nproc=4096:4096"]


@pytest.fixture(scope="module")
def image(containers) -> str:
    """The name of the image."""
    require_patience("half an hour and 20 GB of disk")
    return containers.build(
        "train.Dockerfile", "localhost/saliedge-train", containers.platform, TORCH_INDEX=_INDEX
    )


@pytest.fixture(scope="module")
def train(containers, image, tmp_path_factory):
    """Function that runs a command of the image; what it writes stays between calls."""
    work = tmp_path_factory.mktemp("work")
    work.chmod(0o777)

    def run(*arguments: str) -> str:
        return containers.podman(
            "run", "--rm", *_OPTIONS, f"--volume={work}:/work", image, *arguments
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


def test_its_size(containers, image, capsys):
    with containers.files(image) as root:
        (site,) = root.glob("opt/saliedge/lib/python*/site-packages")
        for_gpus = sum(_size_of(site / name) for name in ("nvidia", "triton"))
        torch = _size_of(site / "torch")
    size = containers.image(image)["Size"]
    with capsys.disabled():
        print(f"\ntrain, torch for GPUs: {size / 1e6:.0f} MB unpacked, of that torch "
              f"{torch / 1e6:.0f} MB, packages for GPUs {for_gpus / 1e6:.0f} MB")  # fmt: skip
    assert size <= _MOST_BYTES


def _size_of(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
