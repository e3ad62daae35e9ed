"""Ranges from images instead of training: lowered alike, and called what they are."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from edge_runtime.bundle import open_bundle
from edge_runtime.errors import ArtifactError, UsageError
from edge_runtime.preprocessing import Preprocessing
from export.bundle_writer import report_path
from export.cli import export
from export.post_training import read_float_run
from tests.networks import as_batch
from train.backbones import backbone_named
from train.data import load_images, open_dataset
from train.quantization import load_network

IMAGES = "synthetic:?count=60&seed=3&size=48"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A small CNN with running statistics of real batches, as one that was trained elsewhere."""
    torch.manual_seed(0)
    backbone = backbone_named("small_cnn")
    module = backbone.make(3)
    dataset = open_dataset(IMAGES)
    batch = as_batch(load_images(dataset.samples[:32], Preprocessing(48, 48)).images)
    with torch.no_grad():
        for _ in range(20):
            module.train()((batch - backbone.input_mean) / backbone.input_std)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    # As a wrapper saves it.
    save_file({f"module.{name}": value for name, value in module.state_dict().items()}, path)
    return path


def run_command(*arguments):
    export.main([*map(str, arguments), "--samples", "16"], standalone_mode=False)


def of_model(weights, out, *arguments):
    common = ["--model", "small_cnn", "--weights", weights, "--size", 48, "--calibrate", IMAGES]
    run_command(*common, "--out", out, "--no-reference", *arguments)


def test_the_float_network_of_a_run_gets_ranges_from_images(tiny_run, tmp_path, capsys):
    out = tmp_path / "float.edge"
    source = "synthetic:?count=120&seed=0&size=48"
    run_command(tiny_run, "--calibrate", source, "--ranges", "mse", "--out", out, "--no-reference")
    bundle = open_bundle(out)
    said = "post-training (mse)"
    assert bundle.spec.provenance["export"]["ranges"] == said
    assert json.loads((out / "gates.json").read_text())["conditions"]["ranges"] == said
    assert "every post-training range" in report_path(out).read_text()
    terminal = capsys.readouterr()
    assert f"post-training ranges, not learned ones: {said}" in terminal.out + terminal.err
    assert not bundle.spec.metrics
    learned, _ = load_network(tiny_run / "best.safetensors")
    found = {site.site: site.alpha for site in bundle.spec.quantization}
    assert found.keys() == learned.alphas().keys()
    assert found != learned.alphas()


def test_a_network_that_was_trained_elsewhere(weights, tmp_path):
    of_model(weights, tmp_path / "own.edge", "--classes", "polyp,normal,inflamed")
    spec = open_bundle(tmp_path / "own.edge").spec
    assert spec.classes == ("polyp", "normal", "inflamed")
    assert spec.provenance["backbone"] == "small_cnn"
    assert {graph.saliency for graph in spec.graphs} >= {"none", "gradient", "cam"}
    assert "post-training" in (tmp_path / "own.edge" / "README.md").read_text()


def test_a_run_that_ends_in_float_is_taken_without_its_scores(tiny_run, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(tiny_run, path)
    for suffix in (".safetensors", ".json"):
        shutil.move(path / f"float{suffix}", path / f"best{suffix}")
    run = read_float_run(path)
    assert not run.network.quantize
    assert (run.validation, run.operating_points) == (None, ())


def test_a_run_without_a_float_network(tiny_run, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(tiny_run, path)
    (path / "float.safetensors").unlink()
    with pytest.raises(ArtifactError, match="export it without --calibrate"):
        run_command(path, "--calibrate", IMAGES, "--out", tmp_path / "x.edge")


def test_weights_of_another_number_of_classes(weights, tmp_path):
    two = _two_classes(tmp_path)
    arguments = ["--model", "small_cnn", "--weights", weights, "--size", 48]
    with pytest.raises(ArtifactError, match="do not fit small_cnn with this number of classes"):
        run_command(*arguments, "--calibrate", two, "--out", tmp_path / "x.edge")


def _two_classes(folder):
    generator = np.random.default_rng(0)
    arrays = {}
    for part in ("train", "val", "test"):
        arrays[f"{part}_images"] = generator.integers(0, 255, (20, 28, 28), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(20)[:, None] % 2
    np.savez(folder / "two.npz", **arrays)
    return folder / "two.npz"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "small_cnn"], "--model is for --model|--calibrate DATA"),
        (["--calibrate", IMAGES], "give the folder of a run, or --model"),
        (["--calibrate", IMAGES, "--size", "48"], "a run knows its own"),
        (["--calibrate", IMAGES, "--model", "small_cnn"], "give --weights"),
        (
            ["--calibrate", IMAGES, "--model", "tests.networks:stem", "--size", "47"],
            "no multiple of 4",
        ),
        (
            ["--calibrate", IMAGES, "--model", "tests.networks:stem", "--classes", "a,b"],
            "are not those of the calibration images",
        ),
    ],
)
def test_options_that_do_not_go_together(arguments, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        run_command(*arguments, "--out", tmp_path / "x.edge")
