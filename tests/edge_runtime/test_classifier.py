"""From a frame to a prediction, in place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_runtime import installed_engines, open_bundle, open_engine
from edge_runtime.bundle.trust import MapAgreement, SaliencyTrust
from edge_runtime.classifier import Classifier
from edge_runtime.errors import ArtifactError
from edge_runtime.models import LoadOptions, load_classifier
from edge_runtime.smooth_grad import noise
from edge_runtime.sources import CaptureTime, Frame
from tests.edge_runtime import tiny_graphs

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
IMAGES = tiny_graphs.golden_images()


@pytest.fixture
def bundle(tiny_bundle_path):
    return open_bundle(tiny_bundle_path)


def _frame(image, index=0):
    return Frame(image, "x", index, CaptureTime.now(), "x")


@pytest.mark.parametrize("name", installed_engines())
def test_the_engines_memory_is_written_in_place(bundle, name):
    with Classifier(bundle, open_engine(name, bundle, "cam", threads=1)) as classifier:
        for image in IMAGES:
            prediction = classifier.classify(_frame(image))
            assert np.array_equal(classifier.engine.input_view()[0], image)
            expected = tiny_graphs.expected_saliency(image[None], "cam")[0]
            np.testing.assert_allclose(prediction.saliency, expected, atol=1e-5)


@pytest.mark.parametrize("name", installed_engines())
def test_a_map_for_every_third_frame_changes_no_label(bundle, name):
    options = LoadOptions(name, "gradient", threads=1, saliency_every=3)
    with load_classifier(bundle, options) as classifier:
        predictions = [classifier.classify(_frame(image)) for image in IMAGES]
    assert [prediction.saliency is not None for prediction in predictions] == [
        index % 3 == 0 for index in range(len(IMAGES))
    ]
    labels = [
        tiny_graphs.CLASSES[top] for top in tiny_graphs.expected_logits(IMAGES).argmax(axis=1)
    ]
    assert [prediction.label for prediction in predictions] == labels


def test_a_map_that_nobody_would_see_is_not_made(bundle):
    looked_at = []
    options = LoadOptions("onnx", "cam", threads=1, shows_map=lambda: bool(looked_at))
    with load_classifier(bundle, options) as classifier:
        assert classifier.classify(_frame(IMAGES[0])).saliency is None
        looked_at.append("viewer")
        assert classifier.classify(_frame(IMAGES[0])).saliency is not None


def _trust(floor, engine):
    """A row of the trust card of the gradient map."""
    same = MapAgreement(1.0, 1.0)
    return SaliencyTrust("gradient", engine, 4, same, same, same, same, 0.0, (), floor)


@pytest.mark.parametrize(
    ("rows", "silent"),
    [
        ([_trust(1.0, "onnx")], True),
        ([_trust(0.0, "onnx")], False),
        ([_trust(None, "onnx")], False),
        ([_trust(1.0, "other")], True),
        ([_trust(1.0, "other"), _trust(0.0, "onnx")], False),
        ([], False),
    ],
    ids=["below", "above", "unknown", "of another engine", "own engine first", "no card"],
)
def test_a_map_below_the_floor_of_the_trust_card_has_no_signal(bundle, rows, silent):
    spec = replace(bundle.spec, saliency_trust=tuple(rows))
    marked = replace(bundle, spec=spec)
    with Classifier(marked, open_engine("onnx", bundle, "gradient", threads=1)) as classifier:
        prediction = classifier.classify(_frame(IMAGES[0]))
    assert bool(prediction.evidence.no_signal) == silent
    assert prediction.timings_ms["explain"] > 0


@pytest.mark.parametrize("name", installed_engines())
@pytest.mark.parametrize("wanted", [None, "blue"])
def test_copies_give_the_mean_of_their_maps_and_the_frames_own_label(bundle, name, wanted):
    options = LoadOptions(name, "gradient", wanted, threads=1, saliency_copies=3)
    with load_classifier(bundle, options) as classifier:
        found = classifier.classify(_frame(IMAGES[1]))
    label = tiny_graphs.CLASSES[int(tiny_graphs.expected_logits(IMAGES[1:2]).argmax())]
    assert (found.label, found.saliency_class) == (label, wanted or label)
    height, width = IMAGES[1].shape[:2]
    index = tiny_graphs.CLASSES.index(wanted or label)
    with open_engine(name, bundle, "gradient", threads=1) as engine:
        copies = np.clip(IMAGES[1].astype(np.int32) + noise(3, height, width), 0, 255)
        maps = [engine.run(one[None].astype(np.uint8), index).saliency for one in copies]
    np.testing.assert_allclose(found.saliency, np.mean(maps, axis=0), rtol=1e-6)


def test_a_still_scene_has_a_still_averaged_map(bundle):
    with load_classifier(bundle, LoadOptions("onnx", "gradient", saliency_copies=2)) as classifier:
        first, second = (classifier.classify(_frame(IMAGES[2])).saliency for _ in range(2))
    assert np.array_equal(first, second)


def test_without_a_map_there_is_no_evidence(bundle):
    with Classifier(bundle, open_engine("onnx", bundle, "none", threads=1)) as classifier:
        prediction = classifier.classify(_frame(IMAGES[0]))
    assert prediction.evidence is None
    assert "explain" not in prediction.timings_ms


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        (("none", "cam", "gradient", "gradient-early"), "gradient-early"),
        (("none", "cam", "gradient"), "gradient"),
        (("none", "cam"), "cam"),
    ],
)
def test_auto_is_the_most_telling_map_that_there_is(bundle, there, taken):
    (explained,) = (g for g in bundle.spec.graphs if (g.format, g.saliency) == ("onnx", "gradient"))
    graphs = tuple(replace(explained, saliency=mode) for mode in there)
    fewer = replace(bundle, spec=replace(bundle.spec, graphs=graphs))
    assert LoadOptions("onnx", "auto").mode_for(fewer) == taken
    assert LoadOptions("onnx", "cam").mode_for(fewer) == "cam"
    assert LoadOptions("onnx", "auto", saliency_every=2).modes_for(fewer) == (taken, "none")


def test_auto_needs_a_map(bundle):
    graphs = tuple(graph for graph in bundle.spec.graphs if graph.saliency == "none")
    without = replace(bundle, spec=replace(bundle.spec, graphs=graphs))
    with pytest.raises(ArtifactError, match="no graph with a map; give --saliency none"):
        load_classifier(without, LoadOptions("onnx", "auto"))


def test_maps_between_frames_need_the_plain_graph(bundle):
    with open_engine("onnx", bundle, "cam", threads=1) as engine, pytest.raises(ValueError):
        Classifier(bundle, engine, saliency_every=2)
