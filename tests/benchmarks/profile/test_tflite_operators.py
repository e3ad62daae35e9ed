"""Operators of a TFLite graph, from graphs that end ever later."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.configurations import Configuration, graph_of
from benchmarks.profile.tflite_operators import increments, profile_tflite
from benchmarks.profile.tflite_prefix import PrefixMaker
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import ArtifactError
from tests.edge_runtime import tiny_graphs


@pytest.fixture(params=["none", "gradient", "cam"])
def model(request):
    """A real graph in LiteRT's format."""
    return tiny_graphs.tflite_graph(request.param)


def outputs(model):
    """Tensor index -> value, of a run on the first golden image."""
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    for details in interpreter.get_input_details():
        image = details["dtype"] == np.uint8
        value = tiny_graphs.golden_images()[:1] if image else np.full(1, -1, np.int32)
        interpreter.set_tensor(details["index"], value)
    interpreter.invoke()
    return {
        details["index"]: interpreter.get_tensor(details["index"])
        for details in interpreter.get_output_details()
    }


def test_the_whole_graph_computes_what_it_computed(model):
    maker = PrefixMaker(model)
    whole = outputs(maker.prefix(maker.operators))
    expected = outputs(model)
    assert whole.keys() <= expected.keys()
    for index, value in whole.items():
        np.testing.assert_array_equal(value, expected[index])


def test_every_prefix_runs_and_gives_what_the_rest_would_read(model):
    maker = PrefixMaker(model)
    for count in range(1, maker.operators):
        rest = {
            tensor for later in range(count, maker.operators) for tensor in maker.tensors(later)[0]
        }
        found = outputs(maker.prefix(count))
        made = {tensor for index in range(count) for tensor in maker.tensors(index)[1]}
        assert made & rest <= found.keys() <= made


@pytest.mark.parametrize("data", [b"", b"\xff" * 64, b"\0" * 64])
def test_what_is_no_graph_is_refused(data):
    with pytest.raises(ArtifactError, match="cannot be cut short"):
        PrefixMaker(data)


@given(st.lists(st.floats(0, 1e3), min_size=1))
def test_no_increment_is_negative(totals):
    found = increments(totals)
    assert found.shape == (len(totals),)
    assert (found >= -1e-9).all()


@given(st.lists(st.floats(0, 1e3), min_size=1))
def test_totals_that_grow_are_taken_as_they_are(steps):
    np.testing.assert_allclose(increments(np.cumsum(steps)), steps, atol=1e-9)


def test_a_dip_is_shared_by_its_neighbours():
    np.testing.assert_allclose(increments([1.0, 3.0, 2.0, 4.0]), [1.0, 1.5, 0.0, 1.5])


def test_each_operator_has_its_type_and_its_time(bundle_path):
    bundle = open_bundle(bundle_path)
    graph = graph_of(bundle, Configuration("litert", "int8", "gradient"))
    images = [image[None] for image in tiny_graphs.golden_images()]
    found = profile_tflite(bundle, graph, "litert", images, runs=6, threads=1)
    assert len(found.items) == PrefixMaker(bundle.read_file(graph.file)).operators
    assert found.ms > 0
    assert "FULLY_CONNECTED" in {item.type for item in found.items}
