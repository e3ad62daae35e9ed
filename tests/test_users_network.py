"""A network of the user's at an input that is not square, from training to the edge runtime."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_runtime import cli, installed_engines, open_bundle
from edge_runtime.infer import cli as infer_cli
from tests.commands import runner
from train.config import from_toml
from train.loop.session import Session
from train.quantization import load_network

_NAME = "a_users_networks"
_SOURCE = """
from torch import nn


def tiny(classes, width=1.0):
    channels = int(8 * width)
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(channels, classes),
    )


def with_softmax(classes):
    return nn.Sequential(tiny(classes), nn.Softmax(dim=1))


def of_five(classes):
    return tiny(5)
"""
_DATA = "synthetic:?count=45&size=64"
_OPTIONS = ["--epochs-float", 2, "--epochs", 1, "--batch-size", 16, "--no-tensorboard"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current directory, with the user's module in it."""
    path = tmp_path_factory.mktemp("users")
    (path / f"{_NAME}.py").write_text(_SOURCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        yield path
    sys.modules.pop(_NAME, None)


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """A finished run of 32 x 48 pixels."""
    call("train", "--data", _DATA, "--out", "run", "--backbone", f"{_NAME}:tiny", "--width", 2,
         "--size", "32x48", "--input-mean", 120, "--input-std", 60.5, *_OPTIONS)  # fmt: skip
    return folder / "run"


@pytest.fixture(scope="module")
def bundle(run: Path) -> Path:
    call("export", run, "--int8", "--out", "tiny.edge", "--samples", 16)
    return run.parent / "tiny.edge"


def call(*arguments: object) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    assert not ended.value.code


def test_the_checkpoint_names_the_network_and_what_its_input_means(run: Path) -> None:
    network, metadata = load_network(run / "best.safetensors")
    assert network.graph.image.shape == (3, 32, 48)
    assert (network.config.input_mean, network.config.input_std) == (120, 60.5)
    assert network.graph.first_layer.shape[0] == 16
    assert metadata["provenance"]["backbone"] == f"{_NAME}:tiny"
    assert metadata["provenance"]["width_multiplier"] == 2
    for path in (run / "best.json", run / "float.json"):
        assert str(run.parent) not in path.read_text()
    config = from_toml((run / "config.toml").read_text(), "run")
    assert (config.network.height, config.network.width) == (32, 48)


def test_a_network_that_drops_at_random_is_resumed_to_the_bit(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_state = Session.save_state

    def interrupted(*arguments: object, **named: object) -> None:
        save_state(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Session, "save_state", interrupted)
        with pytest.raises(SystemExit):
            cli.main(["train", "--config", str(run / "config.toml"), "--out", "halved"])
    call("train", "--resume", "--out", "halved")
    halved = run.parent / "halved"
    for name in ("float.safetensors", "best.safetensors"):
        assert (halved / name).read_bytes() == (run / name).read_bytes()


@pytest.mark.parametrize("engine", installed_engines())
def test_the_bundle_is_evaluated_like_the_run(
    run: Path, bundle: Path, tmp_path: Path, engine: str
) -> None:
    call("evaluate", run, "--split", "all", "--out", tmp_path / "run")
    call("evaluate", bundle, "--data", _DATA, "--split", "all", "--engine", engine,
         "--out", tmp_path / "bundle")  # fmt: skip
    torch_rows, engine_rows = (
        np.genfromtxt(tmp_path / name / "predictions.csv", delimiter=",", skip_header=1)[:, 3:]
        for name in ("run", "bundle")
    )
    np.testing.assert_allclose(engine_rows, torch_rows, atol=0.02)
    rows = json.loads((tmp_path / "bundle" / "metrics.json").read_text())["saliency"]["rows"]
    assert rows


def test_the_device_maps_a_frame_of_any_shape(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = open_bundle(bundle).spec
    assert (image.preprocessing.height, image.preprocessing.width) == (32, 48)
    frame = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "frame.png"), frame)
    ended = runner(infer_cli.main, capsys)(
        "--bundle", bundle, "--source", tmp_path / "frame.png", "--saliency", "gradient",
        "--save-saliency", tmp_path / "maps", "--save-overlay", tmp_path / "pictures",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    (path,) = (tmp_path / "maps").rglob("*.npy")
    assert np.load(path).shape == (32, 48)
    (picture,) = (path for path in (tmp_path / "pictures").rglob("*") if path.is_file())
    assert cv2.imread(str(picture)) is not None


@pytest.mark.parametrize(
    ("function", "options", "code", "named"),
    [
        ("with_softmax", [], 4, "softmax"),
        ("of_five", [], 2, "must give logits [2, 3]"),
        ("absent", [], 2, "has no function 'absent'"),
        ("tiny", ["--size", "32by48"], 2, "neither a side such as 160 nor HxW"),
        ("tiny", ["--size", "32x50"], 2, "multiple of 4"),
        ("tiny", ["--width", "9"], 2, "width multiplier of 9"),
        ("tiny", ["--input-mean", "300"], 2, "input mean of 300"),
    ],
)
def test_a_mistake_is_said_before_anything_is_trained_or_written(
    folder: Path, capsys: pytest.CaptureFixture[str], function, options, code: int, named: str
) -> None:
    ended = runner(cli.main, capsys)(
        "train", "--data", _DATA, "--out", "refused", "--backbone", f"{_NAME}:{function}", *options
    )
    assert ended.code == code
    assert named in ended.err
    assert not (folder / "refused").exists()
