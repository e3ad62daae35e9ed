"""The wheel works in every device set, and gives what this machine gives."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.emulate.device_sets import DEVICE_SETS
from edge_runtime.bundle import open_bundle
from edge_runtime.engines import ENGINES
from tests.arm64.conftest import BOARDS, MODES

pytestmark = pytest.mark.arm64

# The engines that are installed here, too; tflite-runtime's kernels round in their own way.
SAME_ENGINE = [board for board in BOARDS if board.values[1] != "tflite-runtime"]
OTHER_ENGINE = [board for board in BOARDS if board.values[1] == "tflite-runtime"]


@pytest.fixture
def printed(runs):
    """Function that returns the lines that a board's process printed: printed(*board)."""

    def read(*board: str) -> list[str]:
        ended, _ = runs[board].result()
        assert ended.returncode == 0, ended.stderr.decode()
        return ended.stdout.decode().splitlines()

    return read


@pytest.mark.parametrize(("name", "engine", "processor"), BOARDS)
def test_the_wheel_imports_and_finds_its_engines(printed, name, engine, processor):
    expected = ["aarch64", *DEVICE_SETS[name].python.split("."), *DEVICE_SETS[name].engines]
    assert printed(name, engine, processor)[0].split() == expected


@pytest.mark.parametrize(("name", "engine", "processor"), BOARDS)
def test_golden_outputs_are_within_their_tolerance(printed, tiny_bundle, name, engine, processor):
    # `saliedge verify` ends the process with an error if a check fails.
    lines = printed(name, engine, processor)
    graphs = open_bundle(tiny_bundle).spec.graphs
    wanted = {graph.name for graph in graphs if graph.format == ENGINES[engine].format}
    assert {line.split()[2] for line in lines if line.startswith(f"{engine} ")} == wanted


@pytest.mark.parametrize(("name", "engine", "processor"), BOARDS)
def test_every_frame_is_classified_with_every_map(predictions, name, engine, processor):
    found = predictions(name, engine, processor)
    assert {mode: len(lines) for mode, lines in found.lines.items()} == dict.fromkeys(MODES, 3)
    assert {mode: len(maps) for mode, maps in found.maps.items()} == dict.fromkeys(MODES[1:], 3)
    assert all(line["engine"] == engine for lines in found.lines.values() for line in lines)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "engine", "processor"), SAME_ENGINE)
def test_probabilities_are_those_of_this_machine(
    predictions, predictions_here, name, engine, processor, mode
):
    found = predictions(name, engine, processor).lines[mode]
    wanted = predictions_here[engine].lines[mode]
    for key in ("source", "label", "probabilities", "saliency_class"):
        assert [line[key] for line in found] == [line[key] for line in wanted]


@pytest.mark.parametrize("mode", MODES[1:])
@pytest.mark.parametrize(("name", "engine", "processor"), SAME_ENGINE)
def test_maps_are_those_of_this_machine_to_the_last_bit(
    predictions, predictions_here, name, engine, processor, mode
):
    found = predictions(name, engine, processor).maps[mode]
    wanted = predictions_here[engine].maps[mode]
    assert [values.tobytes() for values in found] == [values.tobytes() for values in wanted]


@pytest.mark.parametrize(("name", "engine", "processor"), OTHER_ENGINE)
def test_tflite_runtime_agrees_with_litert(predictions, predictions_here, name, engine, processor):
    found, wanted = predictions(name, engine, processor), predictions_here["litert"]
    assert [line["label"] for line in found.lines["none"]] == [
        line["label"] for line in wanted.lines["none"]
    ]
    for mine, theirs in zip(found.maps["gradient"], wanted.maps["gradient"], strict=True):
        assert np.corrcoef(mine.ravel(), theirs.ravel())[0, 1] > 0.95
