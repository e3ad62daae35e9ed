"""Bytes of weights packed to their bits."""

from __future__ import annotations

import numpy as np
from onnx import helper, numpy_helper

from benchmarks.studies.transport_size import packed_bytes


def _model(values):
    weight = numpy_helper.from_array(np.asarray(values, np.int8), "weight")
    return helper.make_model(helper.make_graph([], "graph", [], [], [weight])).SerializeToString()


def test_weights_take_as_many_bits_as_they_have_values():
    eight, four, two = (np.arange(256) % count - 1 for count in (255, 15, 3))
    assert packed_bytes(_model(eight)) == len(_model(eight))
    assert packed_bytes(_model(four)) == len(_model(four)) - 128
    assert packed_bytes(_model(two)) == len(_model(two)) - 192
