"""A package that adds one part of each kind, installed by pip and used through the commands."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import cli as bench_cli
from edge_runtime import cli
from edge_runtime.infer import cli as infer_cli
from tests.commands import Ending, runner
from tests.installed_plugin import install_example
from tests.wheel import ROOT, outside
from train.quantization import load_network


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that the example is installed into, on the path."""
    target = install_example(tmp_path_factory.mktemp("plugin"))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(target))
        yield target
    for name in [name for name in sys.modules if name.partition(".")[0] == "saliedge_example"]:
        del sys.modules[name]


@pytest.fixture
def saliedge(example: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ending]:
    return runner(cli.main, capsys)


@pytest.fixture
def edge_infer(example: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ending]:
    return runner(infer_cli.main, capsys)


def test_its_backbone_is_trained(saliedge: Callable[..., Ending], tmp_path: Path) -> None:
    ended = saliedge(
        "train", "--data", "synthetic:?count=45&size=32", "--out", tmp_path / "run",
        "--backbone", "two_layers", "--width", 2, "--size", 32, "--epochs-float", 1,
        "--epochs", 1, "--batch-size", 16, "--no-tensorboard",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    network, metadata = load_network(tmp_path / "run" / "best.safetensors")
    assert metadata["provenance"]["backbone"] == "two_layers"
    assert network.graph.first_layer.shape[0] == 16
    assert network.config.input_std == 64.0


def test_its_saliency_method_is_measured(
    saliedge: Callable[..., Ending], tiny_run: Path, tmp_path: Path
) -> None:
    ended = saliedge(
        "evaluate", tiny_run, "--saliency", "occlusion", "--sample", 3, "--out", tmp_path / "out"
    )
    assert ended.code == 0, ended.err
    measured = json.loads((tmp_path / "out" / "metrics.json").read_text())["saliency"]
    assert "occlusion" in {row["map"] for row in measured["rows"]}
    assert measured["insertion_deletion"][0]["map"] == "occlusion"


def test_its_camera_engine_and_sink_work_together(
    edge_infer: Callable[..., Ending], toy_bundle: Path, tmp_path: Path
) -> None:
    table, lines = tmp_path / "labels.csv", tmp_path / "out.jsonl"
    ended = edge_infer(
        "--bundle", toy_bundle, "--camera", "test_card:90", "--camera-size", "64x48",
        "--engine", "onnx_reference", "--sink", f"csv={table}", "--jsonl", lines,
        "--saliency", "gradient", "--max-frames", 3,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    records = [json.loads(line) for line in lines.read_text().splitlines()]
    assert {record["engine"] for record in records} == {"onnx_reference"}
    with table.open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["source", "frame", "label"]
    assert [row[0] for row in rows[1:]] == ["test_card:90"] * 3
    assert [row[2] for row in rows[1:]] == [record["shown_label"] for record in records]


def test_its_engine_gives_the_golden_outputs(
    saliedge: Callable[..., Ending], toy_bundle: Path
) -> None:
    ended = saliedge("verify", toy_bundle, "--engine", "onnx_reference")
    assert ended.code == 0, ended.err
    assert ended.out.count("passed") == 3


def test_its_engine_is_measured(
    example: Path, toy_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(example))  # for the processes that are measured
    report = tmp_path / "report.json"
    with pytest.raises(SystemExit) as ended:
        bench_cli.main(["--bundle", str(toy_bundle), "--engine", "onnx_reference", "--saliency",
                        "none", "--frames", "3", "--warmup", "1", "--rounds", "1", "--json",
                        str(report)])  # fmt: skip
    assert ended.value.code == 0
    results = json.loads(report.read_text())["results"]
    assert {result["engine"] for result in results} == {"onnx_reference"}


def test_the_doctor_lists_its_parts(saliedge: Callable[..., Ending]) -> None:
    found = json.loads(saliedge("doctor", "--json").out)
    parts = [one["name"] for one in found if one["text"] == "a plug-in of saliedge-example 0.3"]
    assert parts == [
        "backbone two_layers",
        "camera test_card",
        "engine onnx_reference",
        "sink csv",
        "saliency method occlusion",
    ]


def test_the_installed_command_finds_it(example: Path, toy_bundle: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    ended = outside(
        sys.executable, "-m", "edge_runtime.infer.cli", "--bundle", toy_bundle,
        "--source", "synthetic:?frames=2", "--sink", f"csv={table}",
        PYTHONPATH=f"{example}:{ROOT}",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert len(table.read_text().splitlines()) == 3
