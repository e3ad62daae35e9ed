"""The commands as a user types them: what they print, write and exit with."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_runtime import cli
from train.config import from_toml

TRAIN = "train.loop.trainer.run_float_phase"
SMALL = ["--backbone", "small_cnn", "--size", "32", "--batch-size", "16", "--no-tensorboard"]


@dataclass(frozen=True)
class Ending:
    code: int
    out: str
    err: str


@pytest.fixture
def saliedge(capsys: pytest.CaptureFixture[str]):
    """Function that runs the command in this process."""

    def call(*arguments: object) -> Ending:
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Ending(int(ended.value.code or 0), printed.out, printed.err)

    return call


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two classes that differ in colour, ten images each."""
    random = np.random.default_rng(0)
    for label, channel in (("blue", 0), ("red", 2)):
        (tmp_path / "images" / label).mkdir(parents=True)
        for index in range(10):
            image = random.integers(0, 120, (40, 48, 3), dtype=np.uint8)
            image[..., channel] += 120
            cv2.imwrite(str(tmp_path / "images" / label / f"{index}.jpg"), image)
    return tmp_path / "images"


def test_a_folder_is_trained_measured_and_listed(saliedge, images: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = ["--epochs-float", 2, "--epochs", 1, "--lambda2", 0.1, "--bits", 4, "--seed", 3]
    trained = saliedge("train", "--data", images, "--out", run, *SMALL, *options)
    assert trained.code == 0, trained.err
    assert "best: epoch 3" in trained.out
    config = from_toml((run / "config.toml").read_text(), "run")
    assert config.quantization.weight_bits == config.quantization.activation_bits == 4
    assert config.guidance.lambda2 == 0.1
    assert {path.name for path in run.iterdir()} == {
        "config.toml",
        "split.csv",
        "log.csv",
        "ranges.csv",
        "findings.csv",
        "float.safetensors",
        "float.json",
        "best.safetensors",
        "best.json",
        "last.json",
        "last-quantized-0003.safetensors",
    }
    measured = saliedge("evaluate", run, "--json")
    assert measured.code == 0, measured.err
    assert json.loads(measured.out)["images"] == 2


def test_every_clip_moves_in_training(tiny_run: Path) -> None:
    lines = [line.split(",") for line in (tiny_run / "ranges.csv").read_text().splitlines()[1:]]
    alphas = {(epoch, site): alpha for epoch, _, site, alpha, _ in lines}
    sites = {site for _, site in alphas}
    assert len(sites) > 10
    unmoved = [site for site in sites if alphas["2", site] == alphas["4", site]]
    assert unmoved == []


def test_pact_and_guidance_can_be_switched_off(saliedge, images: Path, tmp_path: Path) -> None:
    options = ["--epochs-float", 1, "--epochs", 1, "--no-pact", "--no-sgt"]
    trained = saliedge("train", "--data", images, "--out", tmp_path / "run", *SMALL, *options)
    assert trained.code == 0, trained.err
    assert "epoch 2/2, folded" in trained.out
    record = json.loads((tmp_path / "run" / "best.json").read_text())
    assert record["quantized"] is False
    assert all(alpha > 0 for alpha in record["alphas"].values())


def test_a_second_run_needs_force_and_removes_only_what_a_run_writes(
    saliedge, images: Path, tmp_path: Path
) -> None:
    options = ["--data", images, *SMALL, "--epochs-float", 1, "--epochs", 0]
    run = tmp_path / "run"
    assert saliedge("train", "--out", run, *options).code == 0
    again = saliedge("train", "--out", run, *options)
    assert again.code == 7
    assert "--resume" in again.err
    assert saliedge("train", "--out", run, "--force", *options).code == 0
    (run / "notes.txt").write_text("mine")
    refused = saliedge("train", "--out", run, "--force", *options)
    assert refused.code == 7
    assert "not a run" in refused.err
    assert (run / "best.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["train", "--out", "run"], 2, "--data"),
        (["train", "--out", "run", "--data", "nowhere"], 3, "nowhere"),
        (["train", "--out", "run", "--data", "synthetic:", "--backbone", "vgg"], 2, "small_cnn"),
        (["train", "--out", "run", "--data", "synthetic:", "--k", "2"], 2, "k is 2"),
        (["train", "--out", "run", "--data", "synthetic:", "--bits", "3"], 2, "8, 4 or 2"),
        (["train", "--out", "run", "--data", "synthetic:", "--ema", "1"], 2, "EMA decay of 1"),
        (["train", "--out", "run", "--data", "synthetic:", "--ramp", "2"], 2, "ramp of 2"),
        (["train", "--out", "run", "--data", "x", "--sensitivity", "0"], 2, "sensitivity of 0"),
        (["train", "--out", "run", "--config", "gone.toml"], 2, "gone.toml"),
        (["train", "--out", "run", "--resume"], 4, "not a run"),
        (["train", "--out", "run", "--resume", "--seed", "1"], 2, "--seed"),
        (["evaluate", "nowhere"], 4, "nowhere"),
        (["data", "check", "nowhere"], 3, "nowhere"),
        (["data", "synth", "--out", "x", "--shortcut-class", "cat"], 2, "cat"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_exit_code(
    saliedge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments, code: int, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = saliedge(*arguments)
    assert ended.code == code
    assert named in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


class TestBadImages:
    @pytest.fixture
    def damaged(self, images: Path) -> Path:
        path = images / "red" / "4.jpg"
        path.write_bytes(path.read_bytes()[:300])
        return path

    def test_training_stops_and_writes_nothing(
        self, saliedge, images: Path, damaged: Path, tmp_path: Path
    ) -> None:
        ended = saliedge("train", "--data", images, "--out", tmp_path / "run", *SMALL)
        assert ended.code == 3
        assert str(damaged) in ended.err
        assert not (tmp_path / "run").exists()

    def test_they_are_listed_and_skipped_on_request(
        self, saliedge, images: Path, damaged: Path, tmp_path: Path
    ) -> None:
        options = [*SMALL, "--epochs-float", 1, "--epochs", 0, "--skip-bad"]
        ended = saliedge("train", "--data", images, "--out", tmp_path / "run", *options)
        assert ended.code == 0, ended.err
        assert f"skipped: {damaged}" in ended.out
        assert saliedge("evaluate", tmp_path / "run", "--skip-bad").code == 0

    def test_the_check_lists_them(self, saliedge, images: Path, damaged: Path) -> None:
        ended = saliedge("data", "check", images)
        assert ended.code == 3
        assert f"unreadable: {damaged}" in ended.out
        assert "1 of 20" in ended.err


def test_the_check_counts(saliedge, images: Path) -> None:
    ended = saliedge("data", "check", images)
    assert ended.code == 0
    assert ["blue", "8", "1", "1", "10"] in [line.split() for line in ended.out.splitlines()]
    assert "48x40" in ended.out


def test_the_check_writes_pictures_on_request_only(saliedge, images: Path, tmp_path: Path) -> None:
    ended = saliedge("data", "check", images, "--json", "--out", tmp_path / "report")
    assert json.loads(ended.out)["images"] == 20
    assert (tmp_path / "report" / "index.html").is_file()
    assert saliedge("data", "check", images, "--out", tmp_path / "report").code == 7
    assert {path.name for path in tmp_path.iterdir()} == {"images", "report"}


def test_synthetic_images_can_be_written_and_checked(saliedge, tmp_path: Path) -> None:
    out = tmp_path / "set"
    assert saliedge("data", "synth", "--out", out, "--count", 12, "--size", 32).code == 0
    assert saliedge("data", "synth", "--out", out, "--count", 12, "--size", 32).code == 7
    checked = saliedge("data", "check", out)
    assert checked.code == 0, checked.err
    assert "with a mask: 4" in checked.out


@pytest.mark.parametrize("command", ["train", "evaluate", "data"])
def test_help_imports_no_torch(command: str) -> None:
    code = (
        "import sys, click\n"
        "from edge_runtime.cli import saliedge\n"
        f"saliedge.main([{command!r}, '--help'], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert "Examples:" in ended.stdout


def test_an_interrupted_run_says_how_to_go_on(
    saliedge, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TRAIN, interrupted)
    run = tmp_path / "my run"
    ended = saliedge("train", "--data", images, "--out", run, *SMALL)
    assert ended.code == 130
    assert f"go on with: saliedge train --resume --out '{run}'" in ended.out + ended.err
