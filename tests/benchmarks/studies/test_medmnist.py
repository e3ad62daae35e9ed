"""The MedMNIST study on a file of a few images: what is trained, kept and not made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies.medmnist import RECIPES, Trial, run_trial
from benchmarks.studies.medmnist_table import PUBLISHED
from edge_runtime.errors import DataError
from train.config import resolve
from train.quantization import load_network
from train.run.progress import quiet_reporter

_RECIPE = {
    "network": {"backbone": "small_cnn", "height": 16, "width": 16},
    "quantization": {"calibration_images": 8},
    "optimizer": {"batch_size": 8, "epochs_float": 1, "epochs": 1},
    "run": {"tensorboard": False, "threads": 1, "device": "cpu"},
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright images of class 1 and dark ones of class 0, twelve in each part."""
    random = np.random.default_rng(0)
    arrays = {}
    for part in ("train", "val", "test"):
        labels = np.arange(12)[:, None] % 2
        noise = random.integers(0, 100, (12, 28, 28))
        arrays |= {f"{part}_labels": labels.astype(np.uint8)}
        arrays |= {f"{part}_images": (noise + 100 * labels[..., None]).astype(np.uint8)}
    path = tmp_path_factory.mktemp("data") / "breastmnist.npz"
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="module")
def out(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one seed that is finished at both widths."""
    folder = tmp_path_factory.mktemp("study")
    with quiet_reporter() as reporter:
        for bits in (8, 4):
            run_trial(Trial(file, _RECIPE, 0, bits), folder, reporter)
    return folder


def runs(out: Path) -> dict[int, Path]:
    return {bits: next((out / "runs").glob(f"*-{bits}bit")) for bits in (8, 4)}


def test_both_widths_branch_from_one_float_network(out: Path) -> None:
    networks = {
        bits: load_network(folder / "float.safetensors")[0] for bits, folder in runs(out).items()
    }
    weights = {bits: network.layer_of("stem/0").weight for bits, network in networks.items()}
    assert np.array_equal(weights[8].detach(), weights[4].detach())
    assert {bits: network.config.weight_bits for bits, network in networks.items()} == {8: 8, 4: 4}


def test_a_row_holds_the_test_part_in_the_order_of_the_file(out: Path, file: Path) -> None:
    with quiet_reporter() as reporter:
        row = run_trial(Trial(file, _RECIPE, 0, 8), out, reporter)
    assert row.labels == (0, 1) * 6
    assert len(row.scores) == 12
    assert (row.data, row.part, row.bits) == ("breastmnist", "test", 8)


def test_a_finished_row_is_not_made_again(out: Path, file: Path) -> None:
    with quiet_reporter() as reporter:
        before = run_trial(Trial(file, _RECIPE, 0, 4), out, reporter)
        checkpoint = runs(out)[4] / "best.safetensors"
        written = checkpoint.stat().st_mtime_ns
        assert run_trial(Trial(file, _RECIPE, 0, 4), out, reporter) == before
    assert checkpoint.stat().st_mtime_ns == written


def test_a_trained_network_is_measured_on_another_part_without_training(
    out: Path, file: Path
) -> None:
    written = (runs(out)[8] / "best.safetensors").stat().st_mtime_ns
    with quiet_reporter() as reporter:
        row = run_trial(Trial(file, _RECIPE, 0, 8, "val"), out, reporter)
    assert row.part == "val"
    assert (runs(out)[8] / "best.safetensors").stat().st_mtime_ns == written


def test_another_recipe_is_another_run(file: Path) -> None:
    other = {**_RECIPE, "optimizer": {**_RECIPE["optimizer"], "epochs": 2}}
    assert Trial(file, _RECIPE, 0, 8).name != Trial(file, other, 0, 8).name


def test_a_damaged_row_is_named(out: Path, file: Path, tmp_path: Path) -> None:
    trial = Trial(file, _RECIPE, 0, 8)
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / f"{trial.name}-test.json").write_text("{}")
    with quiet_reporter() as reporter, pytest.raises(DataError, match=r"-test\.json is no row"):
        run_trial(trial, tmp_path, reporter)


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_the_recipes_are_configurations(name: str) -> None:
    config = resolve(Trial(Path(f"{name}.npz"), RECIPES[name], 2, 4).flags())
    assert (config.quantization.activation_bits, config.quantization.weight_bits) == (4, 4)
    assert config.guidance.enabled
    assert config.run.seed == 2
