"""A bundle without training has every graph, and gives answers."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.configurations import find_reference
from benchmarks.emulate.measure import configurations_of
from benchmarks.studies.untrained import CLASSES, write_untrained
from edge_runtime.engines import open_engine

SIDE = 32


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_untrained("small_cnn", SIDE, tmp_path_factory.mktemp("bundle") / "bare.edge")


@pytest.mark.parametrize("engine", ["onnx", "litert"])
def test_it_has_what_an_export_has_and_its_reference_beside_it(bundle, engine):
    found = configurations_of(engine, bundle, find_reference(bundle))
    assert [configuration.name for configuration in found] == [
        f"{engine} {graph}"
        for graph in ("int8", "int8 cam", "int8 gradient-early", "int8 gradient", "float32")
    ]


@pytest.mark.parametrize("engine", ["onnx", "litert"])
def test_it_gives_logits_and_a_map(bundle, engine):
    image = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)
    with open_engine(engine, bundle, "gradient", 1) as opened:
        result = opened.run(image)
    assert result.logits.size == CLASSES
    assert np.ptp(result.saliency) > 0


def test_it_says_that_it_was_not_trained(bundle):
    assert bundle.spec.provenance == {"backbone": "small_cnn", "trained": False}
    assert bundle.verify_files().passed
