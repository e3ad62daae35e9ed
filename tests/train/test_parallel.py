"""Two processes train the network that one process trains."""

from __future__ import annotations

import csv
import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import load_file
from torch import nn

from edge_runtime import synthetic
from edge_runtime.cli import main
from edge_runtime.errors import DependencyError, UsageError
from tests.commands import runner
from tests.networks import NETWORKS, as_batch, quantized, random_images
from tests.train.conftest import tiny_config
from tests.train.loop.test_resume import contents
from train.backbones.small_cnn import SmallCnn
from train.batches import Batch, Share
from train.config import TrainConfig, to_toml
from train.guidance import Guidance
from train.launch import launch
from train.loop.objectives import GuidedObjective
from train.loop.session import Session
from train.loop.trainer import resume
from train.parallel import Processes
from train.preparation import prepare
from train.quantization import QuantizationConfig, QuantizedNetwork
from train.run.directory import RunDirectory
from train.run.progress import quiet_reporter
from train.run.resume_state import read_state

TWO_PROCESSES = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


@pytest.fixture(scope="module")
def unequal_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures in class folders of 14, 7 and 5, so that class weights differ."""
    folder = tmp_path_factory.mktemp("unequal")
    for label, count in (("normal", 14), ("polyp", 7), ("inflamed", 5)):
        (folder / label).mkdir()
        for seed in range(count):
            picture = synthetic.generate(label, seed, size=32).image
            Image.fromarray(picture).save(folder / label / f"{seed}.png")
    return folder


def written(config: TrainConfig, path: Path) -> Path:
    path.write_text(to_toml(config), encoding="utf-8")
    return path


def python(*words: object) -> None:
    command = [sys.executable, *map(str, words)]
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


def curve(run: Path, column: str) -> np.ndarray:
    with (run / "log.csv").open(encoding="utf-8", newline="") as stream:
        return np.array([float(row[column]) for row in csv.DictReader(stream) if row["loss"]])


def test_two_processes_give_the_loss_curve_of_one(unequal_classes: Path, tmp_path: Path) -> None:
    config = tiny_config(str(unequal_classes))
    config = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, balance="weights", fractions=(0.6, 0.2, 0.2)),
        # 15 images, 3 steps an epoch: of each, 3 images in one process and 2 in the other.
        optimizer=dataclasses.replace(
            config.optimizer, epochs_float=0, epochs=17, batch_size=5, lr=3e-3
        ),
    )
    path = written(config, tmp_path / "config.toml")
    module = ["-m", "tests.train.parallel_run", path]
    python(*module, tmp_path / "one", "double")
    python(*TWO_PROCESSES, *module, tmp_path / "two", "double")
    for column in ("loss", "cross_entropy", "divergence", "alpha_penalty"):
        one, two = (curve(tmp_path / name, column) for name in ("one", "two"))
        assert len(one) == 17
        np.testing.assert_allclose(two, one, rtol=1e-5, err_msg=column)
    loss = curve(tmp_path / "one", "cross_entropy")
    assert loss[-1] < 0.99 * loss[0]
    first, second = (load_file(tmp_path / f"two.rank{rank}.safetensors") for rank in (0, 1))
    alone = load_file(tmp_path / "one.rank0.safetensors")
    assert [name for name in first if name.endswith("alpha")]
    for name, value in first.items():
        assert np.array_equal(value, second[name]), name
        np.testing.assert_allclose(value, alone[name], rtol=1e-5, atol=1e-8, err_msg=name)


@pytest.fixture(scope="module")
def two_processes_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny run that two processes trained in one go, its cache beside it."""
    folder = tmp_path_factory.mktemp("parallel")
    config = tiny_config()
    cached = dataclasses.replace(config.data, cache=str(folder / "cache"))
    path = written(dataclasses.replace(config, data=cached), folder / "config.toml")
    python("-m", "train", "--config", path, "--out", folder / "run", "--size", 32, "--processes", 2)
    return folder / "run"


def test_the_processes_of_a_machine_fill_the_cache_once(two_processes_run: Path) -> None:
    assert len(list((two_processes_run.parent / "cache").iterdir())) == 1


def test_the_first_process_alone_writes_and_talks(two_processes_run: Path) -> None:
    with (two_processes_run / "log.csv").open(encoding="utf-8", newline="") as stream:
        epochs = [(row["epoch"], row["phase"]) for row in csv.DictReader(stream)]
    assert epochs == [
        ("1", "float"),
        ("2", "float"),
        ("2", "calibrated"),
        ("3", "quantized"),
        ("4", "quantized"),
    ]


@pytest.fixture(scope="module")
def broken_off(two_processes_run: Path) -> Path:
    """The same run, in which the second process met a full disk after the third epoch."""
    run = two_processes_run.parent / "broken"
    config = two_processes_run.parent / "config.toml"
    assert launch(["-m", "tests.train.parallel_run", str(config), str(run), "fail=3:1"], 2) == 7
    return run


def test_an_error_in_one_process_ends_all_and_can_be_resumed(
    two_processes_run: Path, broken_off: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(broken_off, tmp_path / "run")
    assert launch(["-m", "train", "--resume", "--out", str(run)], 2) == 0
    for name in ("best.safetensors", "last-quantized-0004.safetensors"):
        assert contents(run / name) == contents(two_processes_run / name), name


def test_one_process_goes_on_where_two_broke_off(broken_off: Path, tmp_path: Path) -> None:
    run = shutil.copytree(broken_off, tmp_path / "run")
    with quiet_reporter() as reporter:
        resume(RunDirectory(run), reporter)
    state = read_state(run)
    assert state is not None
    assert state.finished


LABELS = st.lists(st.integers(0, 2), min_size=4, max_size=9)


@given(LABELS, st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_means_over_shares_are_means_over_the_batch(
    labels: list[int], count: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    losses = generator.uniform(0, 3, len(labels))
    weights = np.array([0.5, 1.0, 2.5])[labels]
    parts = [Processes(rank, count).part(np.arange(len(labels))) for rank in range(count)]
    shares = [Share.of(weights[part], weights, count) for part in parts]
    means = [share.images * losses[part].mean() for share, part in zip(shares, parts, strict=True)]
    assert np.mean(means) == pytest.approx(losses.mean())
    weighted = [
        share.weight * np.average(losses[part], weights=weights[part])
        for share, part in zip(shares, parts, strict=True)
    ]
    assert np.mean(weighted) == pytest.approx(np.average(losses, weights=weights))


def test_the_gradients_of_unequal_parts_average_to_that_of_the_batch() -> None:
    images = random_images(5, 16, 16)
    network = quantized(NETWORKS["depthwise"](), images).double()
    class_weights = torch.tensor([0.5, 1.0, 2.5], dtype=torch.float64)
    objective = GuidedObjective(
        network, Guidance(lambda2=10.0, fill="mean"), eta=0.01, class_weights=class_weights
    )
    image = as_batch(images).double()
    label = torch.tensor([0, 2, 1, 2, 2])
    weights = class_weights[label].numpy()

    def gradient(part: slice, share: Share) -> list[torch.Tensor]:
        network.zero_grad()
        objective(Batch(image[part], label[part], None, share), 0.0).total.backward()
        return [parameter.grad.clone() for parameter in network.parameters()]

    whole = gradient(slice(None), Share())
    parts = [
        gradient(part, Share.of(weights[part], weights, 2)) for part in (slice(0, 3), slice(3, 5))
    ]
    assert any(value.abs().max() > 1e-3 for value in whole)
    for together, first, second in zip(whole, *parts, strict=True):
        torch.testing.assert_close((first + second) / 2, together)


def test_batches_too_small_for_so_many_processes_are_refused(tmp_path: Path) -> None:
    config = tiny_config()
    with quiet_reporter() as reporter:
        data = prepare(config, reporter)
        with pytest.raises(UsageError, match="too few for 9 processes"):
            Session(
                config,
                RunDirectory(tmp_path),
                data,
                torch.device("cpu"),
                None,
                reporter,
                Processes(1, 9),
            )


def test_more_processes_than_gpus_are_refused() -> None:
    with pytest.raises(DependencyError, match="more processes than that"):
        Processes(rank=99, count=100, local_rank=99).device("cuda")


def test_batch_norm_over_all_processes_folds_as_that_of_one() -> None:
    model = SmallCnn(3)
    plain = QuantizedNetwork.from_model(model, 32, 32, QuantizationConfig())
    synchronized = Processes(0, 2).synchronized(model, torch.device("cuda"))
    assert any(isinstance(module, nn.SyncBatchNorm) for module in synchronized.modules())
    folded = QuantizedNetwork.from_model(synchronized, 32, 32, QuantizationConfig())
    image = torch.full((1, 3, 32, 32), 99.0)
    assert torch.equal(folded(image), plain(image))


def test_torchrun_and_the_option_exclude_each_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    ending = runner(main, capsys)("train", "--data", "x", "--out", "y", "--processes", 2)
    assert ending.code == 2
    assert "leave out --processes" in ending.err
