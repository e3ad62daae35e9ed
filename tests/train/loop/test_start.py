"""A run that starts from the float network of another."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from edge_runtime.errors import ArtifactError, DataError, SaliedgeError, UsageError
from edge_runtime.files import sha256_file
from tests.train.conftest import tiny_config
from train.config import TrainConfig, resolve
from train.loop.trainer import train
from train.quantization import load_network
from train.run.directory import RunDirectory
from train.run.progress import quiet_reporter


def branch(tiny_run: Path, **tables: dict[str, object]) -> TrainConfig:
    """The tiny run's configuration, starting from the run itself, with some entries changed."""
    flags = {"network": {"start": str(tiny_run)}, "optimizer": {"epochs": 1}}
    merged = {name: {**flags.get(name, {}), **tables.get(name, {})} for name in {**flags, **tables}}
    return resolve(merged, origin=tiny_config())


def run(config: TrainConfig, folder: Path) -> Path:
    with quiet_reporter() as reporter:
        train(config, RunDirectory(folder), reporter)
    return folder


def test_the_float_weights_are_taken_and_the_ranges_calibrated_at_the_new_width(
    tiny_run: Path, tmp_path: Path
) -> None:
    widths = {"activation_bits": 4, "weight_bits": 2, "weight_quantizer": "sawb"}
    folder = run(branch(tiny_run, quantization=widths), tmp_path / "run")
    taken, metadata = load_network(folder / "float.safetensors")
    origin, _ = load_network(tiny_run / "float.safetensors")
    for name, layer in origin.layers.items():
        assert torch.equal(taken.layers[name].weight, layer.weight), name
    assert (taken.config.activation_bits, taken.config.weight_bits) == (4, 2)
    assert taken.alphas().keys() == origin.alphas().keys()
    assert min(taken.alphas().values()) > 0
    assert metadata["provenance"]["start"] == {
        "config_sha256": metadata_of(tiny_run)["provenance"]["config_sha256"],
        "float_sha256": sha256_file(tiny_run / "float.safetensors"),
    }


def metadata_of(folder: Path) -> dict[str, dict[str, object]]:
    return json.loads((folder / "float.json").read_text())["metadata"]


def test_at_the_same_widths_it_goes_on_as_the_run_itself_did(
    tiny_run: Path, tmp_path: Path
) -> None:
    folder = run(branch(tiny_run, optimizer={"epochs": 2}), tmp_path / "run")
    ours, _ = load_network(folder / "best.safetensors")
    theirs, _ = load_network(tiny_run / "best.safetensors")
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value), name


@pytest.mark.parametrize(
    ("tables", "error", "named"),
    [
        ({"network": {"height": 48}}, UsageError, "preprocessing"),
        ({"optimizer": {"epochs_float": 3}}, UsageError, "float epochs"),
        ({"network": {"backbone": "resnet18"}}, UsageError, "backbone"),
        ({"data": {"split_seed": 1}}, DataError, "other split"),
        ({"data": {"source": "synthetic:?count=60&size=40"}}, DataError, "other images"),
        ({"network": {"start": "nowhere"}}, ArtifactError, "no checkpoint"),
    ],
)
def test_what_cannot_be_branched_from_is_refused(
    tiny_run: Path,
    tmp_path: Path,
    tables: dict[str, dict[str, object]],
    error: type[SaliedgeError],
    named: str,
) -> None:
    with pytest.raises(error, match=named):
        run(branch(tiny_run, **tables), tmp_path / "run")


def test_the_parts_can_be_given_as_a_file(tiny_run: Path, tmp_path: Path) -> None:
    lines = (tiny_run / "split.csv").read_text().splitlines(keepends=True)
    exchanged = {"train": "train", "val": "test", "test": "val"}
    swapped = [
        ",".join([*(cells := line.rstrip("\n").split(","))[:-1], exchanged.get(cells[-1], "part")])
        for line in lines
    ]
    (tmp_path / "fold.csv").write_text("\n".join(swapped) + "\n")
    config = tiny_config()
    config = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, split_file=str(tmp_path / "fold.csv")),
        optimizer=dataclasses.replace(config.optimizer, epochs_float=0, epochs=1),
    )
    folder = run(config, tmp_path / "run")
    assert (folder / "split.csv").read_text() == (tmp_path / "fold.csv").read_text()
    assert metadata_of(folder)["provenance"]["split"]["given"] is True


def test_parts_that_tear_a_group_apart_are_refused(tiny_run: Path, tmp_path: Path) -> None:
    text = (tiny_run / "split.csv").read_text()
    torn = text.replace(",train\n", ",test\n", 1)
    (tmp_path / "fold.csv").write_text(torn)
    config = tiny_config()
    data = dataclasses.replace(config.data, split_file=str(tmp_path / "fold.csv"))
    with pytest.raises(DataError, match="must stay together"):
        run(dataclasses.replace(config, data=data), tmp_path / "run")
