"""A measuring process does what it is told, and says why it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peers.contestants import CONTESTANTS, OURS, Contestant
from benchmarks.peers.pairs import Entrant, Process, time_pairs
from benchmarks.peers.post_training import calibration_images
from benchmarks.peers.process import save_images
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import SaliedgeError


@pytest.fixture(scope="module")
def images(tiny_bundle, tmp_path_factory):
    """The golden images in a file for processes."""
    path = tmp_path_factory.mktemp("images") / "images.npz"
    save_images(path, list(calibration_images(open_bundle(tiny_bundle))))
    return path


@pytest.fixture
def entrants(tiny_bundle, images):
    """Ours: two graphs and the loop."""
    ours = [contestant for contestant in CONTESTANTS if contestant.name in OURS]
    return [Entrant(contestant, tiny_bundle, images) for contestant in ours]


def test_it_gives_the_top_class_of_every_image(entrants, tiny_bundle):
    bundle = open_bundle(tiny_bundle)
    expected = bundle.read_array(bundle.spec.golden.logits_file).argmax(axis=1)
    for entrant in entrants:
        with Process(entrant, 1) as process:
            assert process.ask(classify=True)["classes"] == expected.tolist()


def test_every_round_has_all_turns_of_every_entrant(entrants):
    timings = time_pairs(entrants, 1, rounds=2, bursts=3, frames=2, warm_up=1)
    assert list(timings) == list(OURS)
    for timing in timings.values():
        assert np.shape(timing.rounds_ns) == (2, 6)
        assert np.min(timing.rounds_ns) > 0


def test_a_contestant_that_cannot_be_opened_is_told_in_one_sentence(images, tmp_path):
    broken = Contestant("broken", "network", "benchmarks.peers.openers:onnx", "none.onnx")
    with pytest.raises(SaliedgeError, match="broken cannot be run here") as caught:
        Process(Entrant(broken, tmp_path / "none.onnx", images), 1)
    assert "\n" not in str(caught.value)
