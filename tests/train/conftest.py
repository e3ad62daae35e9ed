from __future__ import annotations

from pathlib import Path

import pytest

from train.config import TrainConfig, resolve
from train.loop.trainer import train
from train.run.directory import RunDirectory
from train.run.progress import plain_reporter


def tiny_config(source: str = "synthetic:?count=60&size=32") -> TrainConfig:
    """A run of seconds: every stage, no skill."""
    return resolve(
        {
            "data": {"source": source},
            "network": {"backbone": "small_cnn", "height": 32, "width": 32},
            "quantization": {"calibration_images": 16},
            "optimizer": {"epochs_float": 2, "epochs": 2, "batch_size": 16},
            "run": {"tensorboard": False, "threads": 1},
        }
    )


class Listener:
    """A reporter that remembers what it was told."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def start(self, description: str, total: int) -> None:
        pass

    def advance(self, done: int, detail: str = "", run_left: float | None = None) -> None:
        pass


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished tiny run; tests only read it."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    with plain_reporter() as reporter:
        train(tiny_config(), RunDirectory(folder), reporter)
    return folder


@pytest.fixture(scope="session")
def tiny_edge(tiny_run: Path) -> Path:
    """The bundle of the tiny run; tests only read it."""
    from export.cli import export

    path = tiny_run.parent / "tiny.edge"
    arguments = [str(tiny_run), "--int8", "--out", str(path), "--samples", "16"]
    export.main(arguments, standalone_mode=False)
    return path
