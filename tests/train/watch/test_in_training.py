"""Short trainings that are watched: a planted shortcut is found, and nothing where none is."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from tests.train.conftest import Listener, tiny_config
from train.batches import to_tensor
from train.guidance import Guidance
from train.loop.trainer import train
from train.preparation import PreparedData, prepare
from train.quantization import load_network
from train.quantization.reinitialize import reinitialized
from train.run.directory import RunDirectory
from train.watch.findings import noise
from train.watch.images import WatchImages

PLAIN = "synthetic:?count=150&size=32"
MARKED = f"{PLAIN}&shortcut=polyp"


@dataclass(frozen=True)
class Watched:
    """A run, the lines of its findings.csv, and what it told."""

    run: RunDirectory
    data: PreparedData
    findings: list[dict[str, str]]
    messages: list[str]


def watched(source: str, folder: Path) -> Watched:
    config, listener = tiny_config(source), Listener()
    optimizer = replace(config.optimizer, epochs_float=4, epochs=1)
    train(replace(config, optimizer=optimizer), RunDirectory(folder), listener)
    with (folder / "findings.csv").open(newline="") as stream:
        findings = list(csv.DictReader(stream))
    return Watched(RunDirectory(folder), prepare(config, listener), findings, listener.messages)


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """A run on pictures of which one class carries an overlay."""
    return watched(MARKED, tmp_path_factory.mktemp("marked") / "run")


def test_saliency_on_a_planted_overlay_is_found_and_told_once(marked: Watched) -> None:
    overlay = [row for row in marked.findings if row["finding"] == "overlay"]
    assert [(row["epoch"], row["phase"]) for row in overlay] == [
        ("4", "calibrated"),
        ("5", "quantized"),
    ]
    assert "--erase" in overlay[0]["sentence"]
    told = [text for text in marked.messages if text.startswith("watch: ")]
    assert told.count(f"watch: {overlay[0]['sentence']}") == 1


def test_a_run_without_such_an_overlay_finds_only_that_its_images_are_few(tmp_path: Path) -> None:
    findings = watched(PLAIN, tmp_path / "run").findings
    assert {row["finding"] for row in findings} == {"few_images"}


def test_steadiness_tells_maps_of_a_trained_network_from_those_of_random_weights_at_8_bit(
    marked: Watched,
) -> None:
    images = WatchImages(marked.data, seed=0, device=torch.device("cpu"))
    in_float, _ = load_network(marked.run.float_checkpoint)
    trained, _ = load_network(marked.run.best_checkpoint)
    in_float.quantize, trained.quantize = False, True
    few = to_tensor(marked.data.val.images[:8])
    strangers = [reinitialized(trained, list(trained.layers), few, seed) for seed in range(3)]
    reference, ours, *theirs = (
        images.measure(network, Guidance()).steadiness
        for network in (in_float, trained, *strangers)
    )
    assert noise(ours, reference) is None
    assert all(noise(one, reference) is not None for one in theirs)
    assert min(ours, reference) > 2 * max(theirs)
