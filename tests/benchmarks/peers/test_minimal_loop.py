"""The hand-written loop does the work that it is compared for."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.peers.minimal_loop import OPENERS, Resize, frames_of
from benchmarks.peers.post_training import (
    INPUT_MEAN,
    INPUT_SCALE,
    calibration_images,
    quantize_onnx,
)
from benchmarks.studies.frame_loop_inputs import write_inputs
from edge_runtime import open_bundle, open_reference
from edge_runtime.preprocessing import Preprocessing


@pytest.mark.parametrize("side", [480, 240, 224, 160, 96])
def test_it_resizes_to_the_bytes_of_a_bundle(side):
    frame = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    resized = Resize(side, 480, 640)(frame)
    assert np.array_equal(resized, Preprocessing(side, side).apply(frame))


@pytest.fixture(scope="module")
def model(tiny_bundle, tmp_path_factory):
    """The post-training INT8 model of the network in `tiny_bundle`, with a float input."""
    target = tmp_path_factory.mktemp("peer") / "int8.onnx"
    images = calibration_images(open_bundle(tiny_bundle))
    quantize_onnx(open_reference(tiny_bundle.with_name("tiny.reference")), images, target)
    return target


def test_its_model_sees_what_the_bundle_sees(model, tiny_bundle):
    bundle = open_bundle(tiny_bundle)
    expected = bundle.read_array(bundle.spec.golden.logits_file)
    _, normalise, run = OPENERS["onnx"](str(model))
    found = []
    for image in calibration_images(bundle):
        normalise(image)
        found.append(run().copy())
    spread = expected.max() - expected.min()
    assert np.abs(np.array(found) - expected).max() < 0.25 * spread


def test_it_normalises_in_place():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)[..., None].repeat(3, axis=2)
    assert (INPUT_MEAN, INPUT_SCALE) == (127.0, 1 / 128)
    from benchmarks.peers import minimal_loop

    normalised = (image.astype(np.float32) - INPUT_MEAN) * INPUT_SCALE
    by_parts = image.astype(np.float32) * minimal_loop.SCALE - minimal_loop.OFFSET
    assert np.array_equal(normalised, by_parts)


def test_it_prints_its_first_label_and_the_time_of_every_frame(model, tmp_path):
    np.save(tmp_path / "frames.npy", np.zeros((2, 48, 64, 3), np.uint8))
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.peers.minimal_loop", "onnx", model),
            *(tmp_path / "frames.npy", "6"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    first, last = ended.stdout.splitlines()
    assert first.split()[0].isdigit()
    times = json.loads(last)
    assert [len(times[name]) for name in ("wall_ns", "thread_ns", "normalise_ns")] == [5, 5, 5]


def test_it_reads_a_film_as_it_reads_pictures(tmp_path):
    inputs = write_inputs(tmp_path)
    (of_film, *_), (of_pictures,) = (
        list(frames_of(str(source), 1)) for source in (inputs.film, inputs.pictures)
    )
    assert of_film.shape == of_pictures.shape == (480, 640, 3)
    # MJPG loses a little.
    assert np.abs(of_film.astype(int) - of_pictures).mean() < 8
    assert len(list(frames_of(str(inputs.film), 3))) == 3
