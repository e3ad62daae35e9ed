"""tflite-runtime 2.14, the engine of old boards, in an environment of its own: numpy below 2."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.bundle import open_bundle
from export.candidate import output_step
from export.checks.parity import compare_logits
from export.lower import lower
from export.program import LOGITS, execute
from export.trained_run import read_trained_run
from tests.wheel import build_wheel, outside
from train.data import load_images, open_dataset

pytestmark = [
    pytest.mark.slim,
    pytest.mark.skipif(
        sys.version_info[:2] != (3, 11), reason="tflite-runtime ends at Python 3.11"
    ),
]

_IMAGES = 120
_RUN = """
import json, sys, numpy as np
from edge_runtime import open_bundle
from edge_runtime.engines import open_engine
bundle, images, out = sys.argv[1:]
with open_engine("tflite-runtime", open_bundle(bundle), "none", 1) as engine:
    logits = [engine.run(image[None]).logits for image in np.load(images)]
    print(json.dumps({"engine": engine.version, "numpy": np.__version__}))
np.save(out, np.stack(logits))
"""


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the extra `tflite-runtime`."""
    wheel = build_wheel(tmp_path_factory.mktemp("wheel"))
    folder = tmp_path_factory.mktemp("old-device") / "venv"
    for command in (
        (sys.executable, "-m", "venv", folder),
        (folder / "bin" / "python", "-m", "pip", "install", "--quiet", f"{wheel}[tflite-runtime]"),
    ):
        ended = outside(*command)
        assert ended.returncode == 0, ended.stderr
    return folder / "bin"


def test_the_golden_outputs_are_reached(device: Path, tiny_bundle: Path) -> None:
    ended = outside(device / "saliedge", "verify", tiny_bundle, "--engine", "tflite-runtime")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("passed") == len(open_bundle(tiny_bundle).spec.graphs) // 2


def test_logits_are_within_three_steps_and_the_class_is_the_same(
    device: Path, tiny_bundle: Path, tiny_run: Path, tmp_path: Path
) -> None:
    run = read_trained_run(tiny_run)
    samples = open_dataset("synthetic:?count=120&seed=3&size=48").samples
    images = load_images(samples, run.preprocessing).images
    np.save(tmp_path / "images.npy", images)
    ended = outside(
        device / "python", "-c", _RUN, tiny_bundle, tmp_path / "images.npy", tmp_path / "out.npy"
    )
    assert ended.returncode == 0, ended.stderr
    versions = json.loads(ended.stdout.splitlines()[-1])
    assert versions["engine"] == "2.14.0"
    assert versions["numpy"].startswith("1.")
    program = lower(run.network)
    parity = compare_logits(
        np.load(tmp_path / "out.npy"),
        execute(program, images)[LOGITS],
        output_step(program, LOGITS),
    )
    assert len(images) == _IMAGES
    assert parity.largest_steps <= 3
    assert parity.top_agreement >= 0.99


def test_a_film_is_written_and_read_by_the_opencv_that_goes_with_it(
    device: Path, toy_bundle: Path, tmp_path: Path
) -> None:
    film, lines = tmp_path / "film.mp4", tmp_path / "out.jsonl"
    for arguments in (
        ("--source", "synthetic:?seed=7&frames=4", "--save-overlay", film),
        ("--source", film, "--jsonl", lines),
    ):
        ended = outside(device / "edge-infer", "--bundle", toy_bundle, *arguments)
        assert ended.returncode == 0, ended.stderr
    assert len(lines.read_text().splitlines()) == 4
